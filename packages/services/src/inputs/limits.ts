/** How much may be carried: of a proxy user and of a tag. Browser-safe: zod and the domain only. */
import { bytesPerGb } from "@karvon/domain";
import { z } from "zod";
import { idOf } from "./common.ts";

const megabytesPerGb = 1_000;
const limitGbMax = 1_000_000;

/** GB of 10^9 bytes, to the megabyte; null is no limit. */
const LimitGb = z
  .number()
  .min(1 / megabytesPerGb, "A limit is 0.001 GB at least.")
  .max(limitGbMax, `A limit is ${limitGbMax} GB at most.`)
  .multipleOf(1 / megabytesPerGb, "At most three digits behind the point.")
  .nullable();
const limits = { totalGb: LimitGb, dayGb: LimitGb, monthGb: LimitGb };

export const ProxyUserLimitsInput = z.strictObject({ id: idOf("pxu"), ...limits });
export type ProxyUserLimitsInput = z.infer<typeof ProxyUserLimitsInput>;

/** As the username grammar has it (docs/endpoint.md). */
const Tag = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9_.-]{1,32}$/, "A tag has 1 to 32 of A-Z, a-z, 0-9, _ . and -.");

export const TagCapInput = z
  .strictObject({ tag: Tag, ...limits })
  .refine(({ totalGb, dayGb, monthGb }) => (totalGb ?? dayGb ?? monthGb) !== null, { message: "Set one of the three.", path: ["dayGb"] });
export type TagCapInput = z.infer<typeof TagCapInput>;

export const TagInput = z.strictObject({ tag: Tag });
export type TagInput = z.infer<typeof TagInput>;

export function limitBytes(gigabytes: number | null): bigint | null {
  return gigabytes === null ? null : (BigInt(Math.round(gigabytes * megabytesPerGb)) * bytesPerGb) / BigInt(megabytesPerGb);
}
