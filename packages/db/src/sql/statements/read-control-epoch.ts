import { statement } from "../statement.ts";

export const readControlEpoch = statement<{ epoch: bigint }>("read-control-epoch", `SELECT epoch FROM control_epoch WHERE id = 1`);
