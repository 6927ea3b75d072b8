import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  /** What to do next, in a sentence. */
  children: ReactNode;
  action?: ReactNode;
}

/** What stands where rows will be: says why there are none and what to do next. */
export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center px-6 py-10 text-center">
      <span className="flex size-10 items-center justify-center rounded-full bg-accent-wash text-accent">
        <Icon aria-hidden="true" className="size-5" />
      </span>
      <p className="mt-3 font-medium">{title}</p>
      <p className="mt-1 max-w-md text-sm text-pretty text-soft">{children}</p>
      {action === undefined ? null : <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}
