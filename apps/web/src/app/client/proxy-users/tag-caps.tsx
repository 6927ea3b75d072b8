"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus, Tag } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { TagCap } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { LimitMeter } from "./limit-meters.tsx";
import { TagCapDialog } from "./tag-cap-dialog.tsx";

/** Caps of cost tags. */
export function TagCaps({ refresh }: { refresh: () => Promise<unknown> }) {
  const trpc = useTRPC();
  const caps = useQuery(trpc.client.tagCaps.list.queryOptions());
  const remove = useMutation(trpc.client.tagCaps.delete.mutationOptions({ onSuccess: refresh }));
  const [edited, setEdited] = useState<TagCap | "new" | null>(null);
  const add = (
    <Button size="sm" onClick={() => setEdited("new")}>
      <Plus aria-hidden="true" />
      Cap a tag
    </Button>
  );
  return (
    <Card
      flush
      title="Tag caps"
      description="What sessions with a tag may carry, over all proxy users. Counted from when the cap was set; a minute old at most."
      aside={add}
    >
      {remove.error === null ? null : <ErrorPanel className="m-3" failure={readFailure(remove.error)} />}
      <Loaded query={caps}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon={Tag} title="No tag has a cap">
              Programs name a tag in the proxy username, -tag-crawler say. A cap stops all that carry it together.
            </EmptyState>
          ) : (
            <DataTable
              label="Tag caps"
              columns={columnsOf(setEdited, (tag) => remove.mutate({ tag }))}
              rows={rows}
              rowKey={(cap) => cap.tag}
            />
          )
        }
      </Loaded>
      {edited === null ? null : (
        <TagCapDialog cap={edited === "new" ? null : edited} onOpenChange={() => setEdited(null)} onSaved={refresh} />
      )}
    </Card>
  );
}

function columnsOf(onEdit: (cap: TagCap) => void, onRemove: (tag: string) => void): Column<TagCap>[] {
  return [
    { name: "Tag", role: "lead", cell: (cap) => cap.tag },
    { name: "Today", cell: (cap) => <LimitMeter label={`Today with ${cap.tag}`} used={cap.dayUsedBytes} limit={cap.dayLimitBytes} /> },
    {
      name: "This month",
      cell: (cap) => <LimitMeter label={`This month with ${cap.tag}`} used={cap.monthUsedBytes} limit={cap.monthLimitBytes} />,
    },
    { name: "In total", cell: (cap) => <LimitMeter label={`In total with ${cap.tag}`} used={cap.usedBytes} limit={cap.totalLimitBytes} /> },
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (cap) => (
        <span className="inline-flex flex-wrap gap-2">
          <Button size="sm" onClick={() => onEdit(cap)} aria-label={`Change the caps of ${cap.tag}`}>
            Change
          </Button>
          <Button size="sm" look="danger" onClick={() => onRemove(cap.tag)} aria-label={`Remove the caps of ${cap.tag}`}>
            Remove
          </Button>
        </span>
      ),
    },
  ];
}
