import { isoCountries } from "@karvon/domain";
import { z } from "zod";
import { Label, Reason, ReasonedIdInput } from "./common.ts";

/** Three decimals of a dollar for a GB are whole pico-USD for a byte. */
const UsdPerGb = z
  .string()
  .trim()
  .regex(/^\d{1,4}(\.\d{1,3})?$/, "Dollars for a GB with at most three decimals, for example 3.00.");

/** Rates of one version. */
export const ratesMax = 100;
const connectionTypes = ["mobile", "wifi", "residential"] as const;
const rateGrammar = /^([A-Z]{2})?(?:(?:^|\/)(mobile|wifi|residential))?=(\d{1,4}(?:\.\d{1,3})?)$/;

const Rate = z.strictObject({
  country: z
    .string()
    .refine((code) => isoCountries.has(code), "A country is its ISO 3166-1 code of two letters.")
    .nullable(),
  connectionType: z.enum(connectionTypes).nullable(),
  usdPerGb: UsdPerGb,
});

/** `DE/mobile=2.40`, `DE=2.10`, `mobile=1.90`; null for anything else. */
export function readRate(text: string): z.input<typeof Rate> | null {
  const [, country, type, usdPerGb] = rateGrammar.exec(text) ?? [];
  if (usdPerGb === undefined || (country === undefined && type === undefined)) return null;
  return { country: country ?? null, connectionType: connectionTypes.find((known) => known === type) ?? null, usdPerGb };
}

/** Tiers of one version. */
export const tiersMax = 20;
const tierGrammar = /^(\d{1,7})=(\d{1,4}(?:\.\d{1,3})?)$/;

const Tier = z.strictObject({
  /** Bought in a calendar month, with the purchase that is priced. */
  fromGb: z.int().min(1).max(1_000_000, "At most 1,000,000 GB."),
  usdPerGb: UsdPerGb,
});

/** `100=2.70`: from 100 GB on, 2.70 USD for a GB; null for anything else. */
export function readTier(text: string): z.input<typeof Tier> | null {
  const [, fromGb, usdPerGb] = tierGrammar.exec(text) ?? [];
  return usdPerGb === undefined ? null : { fromGb: Number(fromGb), usdPerGb };
}

export const PublishPriceInput = z.strictObject({
  name: Label,
  usdPerGb: UsdPerGb,
  /** What of it the operator earns. */
  operatorUsdPerGb: UsdPerGb,
  /** What operators earn instead where the exit is there, or is so connected. */
  rates: z
    .array(Rate)
    .max(ratesMax, `At most ${ratesMax} rates.`)
    .refine(
      (rates) => new Set(rates.map(({ country, connectionType }) => `${country}/${connectionType}`)).size === rates.length,
      "Each pair once.",
    )
    .refine(
      (rates) => rates.every(({ country, connectionType }) => country !== null || connectionType !== null),
      "A rate is for something.",
    ),
  /** What clients pay instead from so many GB in a calendar month (UTC) on. */
  tiers: z
    .array(Tier)
    .max(tiersMax, `At most ${tiersMax} tiers.`)
    .refine((tiers) => new Set(tiers.map(({ fromGb }) => fromGb)).size === tiers.length, "Each amount once."),
  /** ISO 8601 with a time zone; now when left out. */
  validFrom: z.iso.datetime({ offset: true, error: "An instant such as 2027-01-01T00:00:00Z." }).optional(),
  reason: Reason,
});
export type PublishPriceInput = z.infer<typeof PublishPriceInput>;

export const WithdrawPriceInput = ReasonedIdInput("prc");
