import type { ReactNode } from "react";

/** Filters above a table. */
export function Toolbar({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap items-center gap-2 border-b px-4 py-2.5 sm:px-5">{children}</div>;
}
