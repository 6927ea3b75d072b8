import { statement } from "../statement.ts";

/**
 * One row a node, in the order of ids so that two gateways that save the same nodes wait instead of blocking each other.
 * A node that moved between gateways is described by both for a moment: the newer word stays.
 * Nodes that are gone are left out; one of them must not hold up the others.
 */
export const savePresence = statement(
  "save-presence",
  `INSERT INTO node_presence AS p (node_id, gateway_id, state, state_reason, connected_at, last_seen_at, battery_percent, is_charging, network, is_metered,
     public_address, country, region, city, latitude, longitude, asn, asn_name, score, rtt_ms, open_streams, day_bytes, day_limit_bytes)
   SELECT n.id, r."gatewayId", r."state", r."stateReason", r."connectedAt", r."lastSeenAt", CASE WHEN r."batteryPercent" IS NOT NULL THEN least(greatest(r."batteryPercent", 0), 100) END, r."isCharging", r."network", r."isMetered",
     r."publicAddress", CASE WHEN r."country" ~ '^[A-Z]{2}$' THEN r."country" END, r."region", r."city", r."latitude", r."longitude", r."asn", r."asnName", r."score", r."rttMs", r."openStreams", r."dayBytes", r."dayLimitBytes"
   FROM jsonb_to_recordset($1::jsonb) AS r ("nodeId" text, "gatewayId" text, "state" "NodeState", "stateReason" text, "connectedAt" timestamptz, "lastSeenAt" timestamptz,
     "batteryPercent" integer, "isCharging" boolean, "network" "NetworkKind", "isMetered" boolean, "publicAddress" text, "country" text, "region" text, "city" text,
     "latitude" double precision, "longitude" double precision, "asn" bigint, "asnName" text, "score" integer, "rttMs" integer, "openStreams" integer, "dayBytes" bigint, "dayLimitBytes" bigint)
   JOIN node AS n ON n.id = r."nodeId"
   ORDER BY n.id
   ON CONFLICT (node_id) DO UPDATE SET gateway_id = excluded.gateway_id, state = excluded.state, state_reason = excluded.state_reason,
     connected_at = excluded.connected_at, last_seen_at = excluded.last_seen_at, battery_percent = excluded.battery_percent, is_charging = excluded.is_charging,
     network = excluded.network, is_metered = excluded.is_metered, public_address = excluded.public_address, country = excluded.country, region = excluded.region,
     city = excluded.city, latitude = excluded.latitude, longitude = excluded.longitude, asn = excluded.asn, asn_name = excluded.asn_name, score = excluded.score,
     rtt_ms = excluded.rtt_ms, open_streams = excluded.open_streams, day_bytes = excluded.day_bytes, day_limit_bytes = excluded.day_limit_bytes
   WHERE excluded.last_seen_at >= p.last_seen_at`,
);
