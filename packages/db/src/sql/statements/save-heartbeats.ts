import { statement } from "../statement.ts";

/** A heartbeat that arrives twice is one heartbeat. */
export const saveHeartbeats = statement(
  "save-heartbeats",
  `INSERT INTO heartbeat (node_id, at, battery_percent, is_charging, network, rtt_ms, open_streams, day_bytes)
   SELECT r."nodeId", r."at", CASE WHEN r."batteryPercent" IS NOT NULL THEN least(greatest(r."batteryPercent", 0), 100) END, r."isCharging", r."network", r."rttMs", r."openStreams", r."dayBytes"
   FROM jsonb_to_recordset($1::jsonb) AS r ("nodeId" text, "at" timestamptz, "batteryPercent" integer, "isCharging" boolean, "network" "NetworkKind",
     "rttMs" integer, "openStreams" integer, "dayBytes" bigint)
   ON CONFLICT DO NOTHING`,
);
