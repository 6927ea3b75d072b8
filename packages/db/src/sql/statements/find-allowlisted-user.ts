import { statement } from "../statement.ts";

/** The narrowest network that contains the address wins; the older entry on a tie, so that nobody can take an address over. */
export const findAllowlistedUser = statement<{ username: string; default_parameters: string }>(
  "find-allowlisted-user",
  `SELECT u.username, e.default_parameters
   FROM allowlist_entry AS e JOIN proxy_user AS u ON u.id = e.proxy_user_id
   WHERE e.cidr >>= $1::inet
   ORDER BY masklen(e.cidr) DESC, e.created_at, e.id LIMIT 1`,
);
