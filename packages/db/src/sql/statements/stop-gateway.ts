import { statement } from "../statement.ts";

export const stopGateway = statement("stop-gateway", `UPDATE gateway SET stopped_at = now() WHERE id = $1`);
