"use client";
import { ExternalLink, FileText } from "lucide-react";
import Link from "next/link";
import type { Purchase } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { formatGb, formatUsd } from "#ui/format.ts";
import { formatCharge } from "#ui/format-charge.ts";
import { Notice } from "#ui/notice.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { providerNames } from "../../payment-provider.tsx";

/** What came of a purchase: traffic, money in the wallet, or where to pay for it. */
export function Bought({ purchase }: { purchase: Purchase }) {
  if (purchase.status !== "paid") return <ToPay purchase={purchase} />;
  if (purchase.product === "wallet") {
    return (
      <Notice tone="good" className="mt-4" title={`${formatUsd(purchase.amountMicroUsd)} added`}>
        <p>It is in your wallet now.</p>
      </Notice>
    );
  }
  return (
    <Notice tone="good" className="mt-4" title={`${formatGb(purchase.bytes)} added`}>
      <p>
        Your balance is now <span data-testid="bought-balance">{formatGb(purchase.balanceBytes)}</span>.
      </p>
      <Link href="/client/proxy-users" className="mt-1 inline-block font-medium text-ink underline underline-offset-2">
        Next: create a proxy user
      </Link>
    </Notice>
  );
}

function ToPay({ purchase }: { purchase: Purchase }) {
  const { payUrl, provider } = purchase;
  const amount = formatCharge(purchase.chargeMinor, purchase.currency);
  const goods = purchase.product === "wallet" ? "The money" : "The traffic";
  return (
    <Notice tone="info" className="mt-4" title="The order waits for its payment">
      <p>
        {payUrl === null
          ? `Pay ${amount} as the invoice says. ${goods} is there once we have seen the money.`
          : `Pay ${amount} on the provider's page. ${goods} is there as soon as they tell us.`}
      </p>
      <Button asChild look="primary" size="sm" className="mt-2">
        {payUrl === null ? (
          <a href={`/documents/${purchase.orderId}/invoice.pdf`}>
            <FileText aria-hidden="true" />
            Get the invoice
          </a>
        ) : (
          <a href={payUrl} rel="noreferrer">
            <ExternalLink aria-hidden="true" />
            Pay by {providerNames[provider]}
          </a>
        )}
      </Button>
      <p className="mt-2">
        It stands under <TextLink href="/client/orders">Orders</TextLink> too.
      </p>
    </Notice>
  );
}
