import { statement } from "../statement.ts";

/** Gateways keep the whole list in memory: 100,000 rules are about 20 MB, more would be a mistake. */
export const listBlockRules = statement<{ id: string; kind: "host" | "cidr" | "port"; pattern: string; reason: string }>(
  "list-block-rules",
  `SELECT id, kind, pattern, reason FROM block_rule
   WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) ORDER BY id LIMIT 100000`,
);
