import { cn } from "./cn.ts";

/** A grey bar in the place of a figure that is still on its way. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden="true" className={cn("k-skeleton block h-4 rounded", className)} />;
}

export function SkeletonRows({ rows = 5 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center gap-6 px-5 py-3.5">
          <Skeleton className="w-28" />
          <Skeleton className="hidden w-40 flex-1 sm:block" />
          <Skeleton className="w-16" />
        </div>
      ))}
    </div>
  );
}
