import type { PaymentMethod } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";

export const providerNames: Readonly<Record<PaymentMethod["provider"], string>> = {
  test: "Test payment",
  stripe: "Card (Stripe)",
  payme: "Payme",
  click: "Click",
  bank_transfer: "Bank transfer",
};

export function Provider({ name }: { name: PaymentMethod["provider"] }) {
  return name === "test" ? <Badge tone="warn">TEST PAYMENT</Badge> : <span>{providerNames[name]}</span>;
}
