import { parsePrefix, reservedUsers } from "@karvon/domain";
import { z } from "zod";
import { idOf, Label, pageFields, Search } from "./common.ts";

export const packGigabytesMax = 10_000;

/** What every purchase says. */
export const purchaseFields = {
  /** Made by the buyer once per purchase: the same key is the same order, for ever. */
  idempotencyKey: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, "The key has 8 to 64 letters, digits, - or _."),
  /** The test provider when left out. */
  provider: z.enum(["test", "stripe", "payme", "click", "bank_transfer"]).optional(),
  /** The charge that the buyer was shown: another one is refused. */
  quotedMinor: z.bigint().min(0n).optional(),
};

export const BuyTrafficInput = z.strictObject({
  gigabytes: z.int().min(1, "Buy at least 1 GB.").max(packGigabytesMax, `Buy at most ${packGigabytesMax} GB at once.`),
  ...purchaseFields,
});
export type BuyTrafficInput = z.infer<typeof BuyTrafficInput>;

export const OrderIdInput = z.strictObject({ id: idOf("ord") });
export type OrderIdInput = z.infer<typeof OrderIdInput>;

export const OrderDocumentInput = z.strictObject({ id: idOf("ord"), kind: z.enum(["invoice", "receipt"]) });
export type OrderDocumentInput = z.infer<typeof OrderDocumentInput>;

/** The first word of a proxy username; "-" is the grammar's separator and so is not in it. */
export const ProxyUsername = z
  .string()
  .trim()
  .regex(/^[a-z0-9]{4,32}$/, "A proxy username has 4 to 32 of a-z and 0-9.")
  .refine((name) => !reservedUsers.has(name), "This word begins another username form; choose another name.");

export const CreateProxyUserInput = z.strictObject({
  username: ProxyUsername.optional(),
  label: Label.optional(),
  trafficLimitGb: z.int().min(1).max(1_000_000).optional(),
});
export type CreateProxyUserInput = z.infer<typeof CreateProxyUserInput>;

export const ProxyUserIdInput = z.strictObject({ id: idOf("pxu") });
export type ProxyUserIdInput = z.infer<typeof ProxyUserIdInput>;

const rulesMax = 50;
const hostGrammar = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;
const isBlock = (text: string): boolean => parsePrefix(text) !== null;

const Source = z.string().trim().refine(isBlock, "An address or a block such as 192.0.2.0/24, without bits behind the prefix.");
/** `*.example.com` is `example.com`, which stands for everything below it too. */
const Host = z
  .string()
  .trim()
  .toLowerCase()
  .transform((text) => text.replace(/^\*\./, ""))
  .refine((text) => isBlock(text) || hostGrammar.test(text), "A host name such as example.com, an address or a block.");

export const ProxyUserRulesInput = z.strictObject({
  id: idOf("pxu"),
  allowedSources: z.array(Source).max(rulesMax, `At most ${rulesMax} addresses.`),
  allowedHosts: z.array(Host).max(rulesMax, `At most ${rulesMax} hosts.`),
});
export type ProxyUserRulesInput = z.infer<typeof ProxyUserRulesInput>;

export const SessionsInput = z.strictObject({
  ...pageFields,
  status: z.enum(["open", "closed", "all"]).optional(),
  country: z
    .string()
    .trim()
    .toUpperCase()
    .regex(/^[A-Z]{2}$/, "A country is two letters.")
    .optional(),
  search: Search,
});
export type SessionsInput = z.infer<typeof SessionsInput>;
