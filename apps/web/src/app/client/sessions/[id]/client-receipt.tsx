"use client";
import { useQuery } from "@tanstack/react-query";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import { Card } from "#ui/card.tsx";
import { Target } from "#ui/cells.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { Receipt, type ReceiptLine } from "../../../receipt.tsx";

const refreshMs = 5_000;

export function ClientReceipt({ id }: { id: string }) {
  const trpc = useTRPC();
  const receipt = useQuery(
    trpc.client.receipt.queryOptions({ id }, { refetchInterval: ({ state }) => (state.data?.closedAt === null ? refreshMs : false) }),
  );
  return (
    <>
      <p className="mb-3 text-sm print:hidden">
        <TextLink href="/client/sessions">All sessions</TextLink>
      </p>
      <Loaded query={receipt} loading={<Skeleton className="h-72 rounded-lg" />}>
        {(data) => {
          const about: ReceiptLine[] = [
            ["Target", <Target key="target" host={data.targetHost} port={data.targetPort} />],
            ["Proxy user", data.proxyUsername],
            ...(data.tag === null ? [] : [["Tag", data.tag] as const]),
          ];
          return (
            <Receipt receipt={data} sumName="Amount due" about={about}>
              <WhyMore />
            </Receipt>
          );
        }}
      </Loaded>
    </>
  );
}

function WhyMore() {
  return (
    <Card title="Why this can be more than your program counted">
      <ul className="list-disc space-y-1.5 pl-5">
        <li>
          Both directions are counted, everything that passes between you and the target: over plain HTTP the heads of requests and answers,
          over a tunnel (CONNECT, SOCKS5) the TLS handshake and records of what runs inside. Programs often count only the body they got.
        </li>
        <li>Bodies are counted as they travel, compressed or chunked, not as your program unpacks them.</li>
        <li>
          Bytes that were on the way when one side hung up were carried and are counted; a program that was cut off has not read them all.
        </li>
        <li>
          Not counted: your program&rsquo;s talk with the gateway (its TLS, CONNECT and its answer, the SOCKS5 handshake), the
          network&rsquo;s own frames, and attempts on nodes that failed.
        </li>
      </ul>
    </Card>
  );
}
