import { statement } from "../statement.ts";

/** Three months ahead: a platform that nobody restarts keeps its months as long as this runs once a quarter. */
export const ensurePartitions = statement<{ made: number }>("ensure-partitions", `SELECT karvon_ensure_partitions(3) AS made`);
