/** Source addresses that need no password: one at a time by their holder, blocks by staff. */
import { formatPrefix, isOneAddress, parsePrefix, type Prefix } from "@karvon/domain";
import { z } from "zod";
import { idOf, Reason, ReasonedIdInput } from "./common.ts";

/** The widest blocks that staff may give. */
export const ipv4BlockBitsMin = 24;
export const ipv6BlockBitsMin = 48;
/** A username has 255 bytes, and its first word up to 32. */
const parametersCharsMax = 223;
const addressCharsMax = 49;

const prefixWith = (problemOf: (prefix: Prefix) => string | null) =>
  z
    .string()
    .trim()
    .max(addressCharsMax, "An address is shorter.")
    .transform((text, ctx): string => {
      const prefix = parsePrefix(text);
      const problem = prefix === null ? `${text === "" ? "This" : text} is not an address or a whole block.` : problemOf(prefix);
      if (prefix !== null && problem === null) return formatPrefix(prefix);
      ctx.addIssue({ code: "custom", message: problem ?? "" });
      return z.NEVER;
    });

const OneAddress = prefixWith((prefix) =>
  isOneAddress(prefix) ? null : `${formatPrefix(prefix)} is a block. List one address; for a block, write to support.`,
);
const Block = prefixWith((prefix) => {
  const isNarrow = prefix.bits >= (prefix.bytes.length === 4 ? ipv4BlockBitsMin : ipv6BlockBitsMin);
  return isNarrow ? null : `${formatPrefix(prefix)} is too wide: at most a /${ipv4BlockBitsMin}, or a /${ipv6BlockBitsMin} of IPv6.`;
});
/** What may follow the user in a proxy username; the parser of usernames judges it. */
const DefaultParameters = z.string().trim().max(parametersCharsMax, `At most ${parametersCharsMax} characters.`);

export const CreateAllowlistEntryInput = z.strictObject({
  proxyUserId: idOf("pxu"),
  address: OneAddress,
  defaultParameters: DefaultParameters,
});
export type CreateAllowlistEntryInput = z.infer<typeof CreateAllowlistEntryInput>;

export const AllowlistEntryIdInput = z.strictObject({ id: idOf("alw") });
export type AllowlistEntryIdInput = z.infer<typeof AllowlistEntryIdInput>;

export const ClientAllowlistInput = z.strictObject({ userId: idOf("usr") });
export type ClientAllowlistInput = z.infer<typeof ClientAllowlistInput>;

export const GrantAllowlistBlockInput = z.strictObject({
  proxyUserId: idOf("pxu"),
  block: Block,
  defaultParameters: DefaultParameters,
  reason: Reason,
});
export type GrantAllowlistBlockInput = z.infer<typeof GrantAllowlistBlockInput>;

export const RevokeAllowlistEntryInput = ReasonedIdInput("alw");
