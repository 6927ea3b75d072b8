import { statement } from "../statement.ts";

/** An older start never takes the place of a newer one: a process that hangs and comes back must not seem alive. */
export const registerGateway = statement<{ id: string }>(
  "register-gateway",
  `INSERT INTO gateway AS g (id, epoch, ops_url, started_at) VALUES ($1, $2, $3, to_timestamp($2::bigint / 1000.0))
   ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, seq = CASE WHEN g.epoch = excluded.epoch THEN g.seq ELSE 0 END,
     ops_url = excluded.ops_url, started_at = excluded.started_at, stopped_at = NULL
   WHERE g.epoch <= excluded.epoch RETURNING g.id`,
);
