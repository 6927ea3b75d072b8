import { statement } from "../statement.ts";

/** The narrowest network that contains the address wins. Networks of two clients never overlap, so it is one client's own choice. */
export const findAllowlistedUser = statement<{ username: string; default_parameters: string }>(
  "find-allowlisted-user",
  `SELECT u.username, e.default_parameters
   FROM allowlist_entry AS e JOIN proxy_user AS u ON u.id = e.proxy_user_id
   WHERE e.cidr >>= $1::inet
   ORDER BY masklen(e.cidr) DESC LIMIT 1`,
);
