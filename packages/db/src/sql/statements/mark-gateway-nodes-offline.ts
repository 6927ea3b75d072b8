import { statement } from "../statement.ts";

/** Only nodes that this gateway held last: one that has dialled another gateway meanwhile is online there. Locked in id order. */
export const markGatewayNodesOffline = statement(
  "mark-gateway-nodes-offline",
  `WITH held AS (SELECT node_id FROM node_presence WHERE gateway_id = $1 ORDER BY node_id FOR NO KEY UPDATE)
   UPDATE node_presence AS p SET state = 'offline', state_reason = NULL, gateway_id = NULL, connected_at = NULL, open_streams = 0, rtt_ms = NULL
   FROM held WHERE p.node_id = held.node_id`,
);
