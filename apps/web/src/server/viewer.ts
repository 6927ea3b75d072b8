/** Who looks at a page, for server components. Asked at most once a request, and never remembered beyond it. */
import type { Viewer } from "@karvon/services";
import { cookies } from "next/headers";
import { cache } from "react";
import { getRuntime } from "./runtime.ts";

export const getViewer: () => Promise<Viewer | null> = cache(async () => {
  const jar = await cookies();
  const runtime = getRuntime();
  return runtime.findViewer(jar.get(runtime.signInCookie.name)?.value);
});
