import { statement } from "../statement.ts";

/** A report that is sent again, because its answer was lost, adds nothing. */
export const recordRefusals = statement(
  "record-refusals",
  `INSERT INTO proxy_refusal (id, at, gateway_id, client_id, proxy_user_id, code, detail, protocol, target_host, target_port, client_address)
   SELECT r."id", r."at", r."gatewayId", r."clientId", r."proxyUserId", r."code", r."detail", r."protocol", r."targetHost", r."targetPort", r."clientAddress"
   FROM jsonb_to_recordset($1::jsonb) AS r ("id" text, "at" timestamptz, "gatewayId" text, "clientId" text, "proxyUserId" text, "code" text, "detail" text,
     "protocol" text, "targetHost" text, "targetPort" integer, "clientAddress" text)
   ON CONFLICT DO NOTHING`,
);
