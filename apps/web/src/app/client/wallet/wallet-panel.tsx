"use client";
import { useQuery } from "@tanstack/react-query";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Wallet } from "#trpc/types.ts";
import { Stat, StatRow } from "#ui/card.tsx";
import { formatGb, formatPricePerGb, formatUsd } from "#ui/format.ts";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { NoWayToPay } from "../buy/no-way-to-pay.tsx";
import { TopUp } from "./top-up.tsx";
import { WalletSettings } from "./wallet-settings.tsx";

const refreshMs = 5_000;
const loading = <Skeleton className="h-64 rounded-lg" />;

export function WalletPanel() {
  const trpc = useTRPC();
  const wallet = useQuery(trpc.client.wallet.show.queryOptions(undefined, { refetchInterval: refreshMs }));
  const methods = useQuery(trpc.client.paymentMethods.queryOptions());
  return (
    <>
      <PageHeader
        title="Wallet"
        description="Pay as you go: when your traffic is used up, money of the wallet buys more of it, 100 MB at a time, while sessions go on."
      />
      <Loaded query={wallet} loading={loading}>
        {(data) => (
          <div className="space-y-4">
            <Figures wallet={data} />
            <Standing wallet={data} />
            <div className="grid items-start gap-4 lg:grid-cols-2">
              <Loaded query={methods} loading={loading}>
                {(offered) => (offered.length === 0 ? <NoWayToPay /> : <TopUp methods={offered} />)}
              </Loaded>
              <WalletSettings key={`${data.isOn} ${data.capMicroUsd}`} wallet={data} />
            </div>
            <p className="text-sm text-faint">
              What it bought stands in the <TextLink href="/client/ledger">ledger</TextLink>, lot by lot.
            </p>
          </div>
        )}
      </Loaded>
    </>
  );
}

function Figures({ wallet }: { wallet: Wallet }) {
  return (
    <StatRow label="Wallet">
      <Stat label="In the wallet" value={formatUsd(wallet.balanceMicroUsd)} testId="wallet-balance" />
      <Stat
        label="Spent this month (UTC)"
        value={formatUsd(wallet.monthMicroUsd)}
        note={wallet.capMicroUsd === null ? "no cap" : `of ${formatUsd(wallet.capMicroUsd)} that you allow`}
      />
      <Stat label="Price now" value={wallet.picoUsdPerByte === null ? "–" : formatPricePerGb(wallet.picoUsdPerByte)} />
      <Stat label="It would buy" value={formatGb(wallet.spendableBytes)} note={wallet.isOn ? "switched on" : "switched off"} />
    </StatRow>
  );
}

/** Why the wallet buys nothing, and what to do. */
function Standing({ wallet }: { wallet: Wallet }) {
  if (!wallet.isOn || wallet.spendableBytes > 0n) return null;
  const isCapped = wallet.balanceMicroUsd > 0n && wallet.capMicroUsd !== null;
  return (
    <Notice tone="warn" title={isCapped ? "The monthly cap is reached" : "The wallet is empty"}>
      {isCapped
        ? "Nothing more is bought until the first of the next month (UTC). Raise the cap to go on now."
        : "Top it up: sessions end when the traffic that is left is used up."}
    </Notice>
  );
}
