import { Check } from "lucide-react";
import { dueMicroUsd } from "@karvon/domain";
import { formatExactBytes, formatExactUsd } from "#ui/format.ts";

const bytes = 12_582_912n;
const clientPrice = 3_000n;
const operatorPrice = 1_800n;

/** One session's books, worked out with the same function that charges it. */
export function ExampleReceipt() {
  const due = dueMicroUsd(bytes, clientPrice);
  const earned = dueMicroUsd(bytes, operatorPrice);
  return (
    <figure className="min-w-0 rounded-lg border bg-surface text-sm tabular-nums">
      <figcaption className="flex items-center justify-between border-b border-dashed px-4 py-2.5 text-xs text-faint">
        <span>One session on three screens</span>
        <span>example</span>
      </figcaption>
      <dl className="space-y-2 px-4 py-3.5">
        <Line name="Gateway measured" value={formatExactBytes(bytes)} />
        <Line name="Client debited" value={formatExactBytes(bytes)} />
      </dl>
      <dl className="space-y-2 border-t border-dashed px-4 py-3.5">
        <Line name="Client pays" value={formatExactUsd(due)} />
        <Line name="Operator earns" value={formatExactUsd(earned)} />
        <Line name="Network fee" value={formatExactUsd(due - earned)} />
      </dl>
      <p className="flex items-center gap-2 border-t border-dashed px-4 py-2.5 font-medium text-good">
        <Check aria-hidden="true" className="size-4" />
        Equal to the byte and the micro-dollar
      </p>
    </figure>
  );
}

function Line({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="text-soft">{name}</dt>
      <dd className="font-mono text-xs leading-5">{value}</dd>
    </div>
  );
}
