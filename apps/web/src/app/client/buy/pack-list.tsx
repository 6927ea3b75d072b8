"use client";
import type { Pack } from "#trpc/types.ts";
import { cn } from "#ui/cn.ts";
import { formatPricePerGb, formatUsd } from "#ui/format.ts";

interface PackListProps {
  packs: readonly Pack[];
  chosen: number;
  onChoose: (text: string) => void;
}

export function PackList({ packs, chosen, onChoose }: PackListProps) {
  return (
    <div role="group" aria-label="Packs" className="grid grid-cols-2 gap-2 sm:grid-cols-3">
      {packs.map((pack) => {
        const isChosen = pack.gigabytes === chosen;
        return (
          <button
            key={pack.gigabytes}
            type="button"
            aria-pressed={isChosen}
            onClick={() => onChoose(String(pack.gigabytes))}
            className={cn(
              "rounded-md border border-line-strong px-3.5 py-3 text-left hover:bg-sunken",
              isChosen && "border-accent bg-accent-wash ring-1 ring-accent hover:bg-accent-wash",
            )}
          >
            <span className="block text-lg font-semibold tabular-nums">{pack.gigabytes} GB</span>
            <span className="mt-0.5 block text-base tabular-nums">{formatUsd(pack.amountMicroUsd)}</span>
            <span className="block text-xs text-faint tabular-nums">{formatPricePerGb(pack.picoUsdPerByte)}</span>
          </button>
        );
      })}
    </div>
  );
}
