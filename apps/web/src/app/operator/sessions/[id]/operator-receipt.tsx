"use client";
import { useQuery } from "@tanstack/react-query";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import { Target } from "#ui/cells.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { Receipt, type ReceiptLine } from "../../../receipt.tsx";

const refreshMs = 5_000;

export function OperatorReceipt({ id }: { id: string }) {
  const trpc = useTRPC();
  const receipt = useQuery(
    trpc.operator.receipt.queryOptions({ id }, { refetchInterval: ({ state }) => (state.data?.closedAt === null ? refreshMs : false) }),
  );
  return (
    <>
      <p className="mb-3 text-sm print:hidden">
        <TextLink href="/operator/sessions">All sessions</TextLink>
      </p>
      <Loaded query={receipt} loading={<Skeleton className="h-72 rounded-lg" />}>
        {(data) => {
          const about: ReceiptLine[] = [
            ["Domain", <Target key="target" host={data.targetHost} port={null} />],
            ["Node", data.nodeLabel],
          ];
          return (
            <Receipt receipt={data} sumName="You earn" about={about}>
              The client&rsquo;s receipt for this session shows the same bytes. Your device counts them too; the two are compared every
              hour.
            </Receipt>
          );
        }}
      </Loaded>
    </>
  );
}
