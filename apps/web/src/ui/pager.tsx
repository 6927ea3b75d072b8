import { Button } from "./button.tsx";

interface PagerProps {
  shown: number;
  hasMore: boolean;
  busy: boolean;
  onMore: () => void;
}

/** Under a long list: how many rows are shown, and more of them. */
export function Pager({ shown, hasMore, busy, onMore }: PagerProps) {
  return (
    <div className="flex items-center justify-between gap-4 border-t px-4 py-2.5 text-sm text-faint sm:px-5">
      <span className="tabular-nums">
        {shown} shown{hasMore ? "" : ", that is all"}
      </span>
      {hasMore ? (
        <Button size="sm" busy={busy} onClick={onMore}>
          Load more
        </Button>
      ) : null}
    </div>
  );
}
