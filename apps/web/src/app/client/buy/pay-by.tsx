"use client";
import type { PaymentMethod } from "#trpc/types.ts";
import { cn } from "#ui/cn.ts";
import { providerNames } from "../../payment-provider.tsx";

const notes: Readonly<Record<PaymentMethod["provider"], string>> = {
  test: "No money moves. Orders are booked exactly as paid ones.",
  stripe: "On Stripe's page, in US dollars.",
  payme: "On Payme's page, in soums.",
  click: "On Click's page, in soums.",
  bank_transfer: "By invoice. The traffic is there once the money is.",
};

interface PayByProps {
  methods: readonly PaymentMethod[];
  chosen: PaymentMethod["provider"] | undefined;
  onChoose: (provider: PaymentMethod["provider"]) => void;
}

/** The ways to pay that are set up. */
export function PayBy({ methods, chosen, onChoose }: PayByProps) {
  return (
    <fieldset className="mt-5">
      <legend className="mb-1 text-sm font-medium">Pay by</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {methods.map(({ provider }) => (
          <label
            key={provider}
            className={cn(
              "flex cursor-pointer items-start gap-2.5 rounded-md border border-line-strong px-3.5 py-2.5 hover:bg-sunken",
              provider === chosen && "border-accent bg-accent-wash ring-1 ring-accent hover:bg-accent-wash",
            )}
          >
            <input
              type="radio"
              name="provider"
              value={provider}
              checked={provider === chosen}
              onChange={() => onChoose(provider)}
              className="mt-1 accent-accent"
            />
            <span>
              <span className="block font-medium">{providerNames[provider]}</span>
              <span className="block text-sm text-faint">{notes[provider]}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
