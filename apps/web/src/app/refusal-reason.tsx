import { Badge } from "#ui/badge.tsx";

/** Why a request was not carried, in a row of a table. */
export function RefusalReason({ code, detail }: { code: string; detail: string }) {
  return (
    <span className="block max-w-md min-w-0">
      <Badge tone="bad" className="font-mono">
        {code}
      </Badge>
      <span className="mt-1 block break-words">{detail}</span>
    </span>
  );
}
