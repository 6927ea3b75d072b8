import { cn } from "./cn.ts";

/** How fresh a live figure is. `stale` means that the stream is open but silent; `lost` that it is being reopened. */
export type Liveness = { kind: "connecting" } | { kind: "live" } | { kind: "stale"; forSeconds: number } | { kind: "lost" };

const looks = {
  connecting: { text: "text-faint", dot: "bg-faint" },
  live: { text: "text-good", dot: "bg-good k-live-dot" },
  stale: { text: "text-warn", dot: "bg-warn" },
  lost: { text: "text-bad", dot: "bg-bad" },
} as const;

export function LiveBadge({ liveness }: { liveness: Liveness }) {
  const look = looks[liveness.kind];
  return (
    <span
      data-testid="liveness"
      data-state={liveness.kind}
      className={cn("inline-flex items-center gap-1.5 text-xs font-medium whitespace-nowrap tabular-nums", look.text)}
    >
      <span aria-hidden="true" className={cn("size-2 rounded-full", look.dot)} />
      {describe(liveness)}
    </span>
  );
}

function describe(liveness: Liveness): string {
  switch (liveness.kind) {
    case "connecting":
      return "Connecting";
    case "live":
      return "Live";
    case "stale":
      return `Stale for ${liveness.forSeconds} s`;
    case "lost":
      return "Connection lost, trying again";
  }
}
