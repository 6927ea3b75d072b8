/** Many clients, operators and nodes, and the sessions between them. For tests only. */
import type { SessionFacts } from "../sql/index.ts";
import type { UsageWorld } from "./usage-world.ts";

export interface CrowdOptions {
  /** Each has one proxy user, 100 GB, and a grant of 1 GB in the world's gateway. */
  readonly clients: number;
  readonly operators: number;
  readonly nodes: number;
  readonly sessions: number;
  readonly openedAtMs: number;
}

/** Sessions of every client, each over another node: as many hourly rows as sessions, which is the most there can be. */
export async function gatherCrowd(world: UsageWorld, options: CrowdOptions): Promise<SessionFacts[]> {
  const { clients, operators, nodes, openedAtMs } = options;
  const { pool } = world.fixtures;
  const insert = async (text: string, ...counts: number[]): Promise<void> => void (await pool.query(text, counts));
  for (const [role, count] of [["client", clients] as const, ["operator", operators] as const]) {
    await insert(
      `INSERT INTO user_account (id, email, role) SELECT 'usr_${role}' || n, '${role}' || n || '@test.local', '${role}' FROM generate_series(1, $1::int) AS n`,
      count,
    );
    await insert(
      `INSERT INTO ${role} (id, user_id) SELECT '${role}' || n, 'usr_${role}' || n FROM generate_series(1, $1::int) AS n`,
      count,
    );
  }
  await insert(
    `INSERT INTO proxy_user (id, client_id, username, secret_hash)
     SELECT 'user' || n, 'client' || n, 'user' || n, sha256(convert_to('user' || n, 'UTF8')) FROM generate_series(1, $1::int) AS n`,
    clients,
  );
  await insert(
    `INSERT INTO node (id, operator_id, label) SELECT 'node' || n, 'operator' || (1 + n % $2::int), 'Node' FROM generate_series(1, $1::int) AS n`,
    nodes,
    operators,
  );
  await pool.query(
    `SELECT ledger_post('crowd:' || n, 'top_up', 'test', NULL, jsonb_build_array(
       jsonb_build_object('kind', 'bytes_issued', 'amount', -100000000000), jsonb_build_object('kind', 'client_bytes', 'ownerId', 'client' || n, 'amount', 100000000000)))
     FROM generate_series(1, $1::int) AS n`,
    [clients],
  );
  await pool.query(`SELECT quota_take('client' || n, 'user' || n, $2, 1, 1, NULL, 1000000000) FROM generate_series(1, $1::int) AS n`, [
    clients,
    world.gatewayId,
  ]);
  return Array.from({ length: options.sessions }, (_, index) => {
    const client = 1 + (index % clients);
    const node = 1 + ((client + 37 * Math.floor(index / clients)) % nodes);
    const seller = { operatorId: `operator${1 + (node % operators)}`, nodeId: `node${node}` };
    return world.makeFacts({ clientId: `client${client}`, proxyUserId: `user${client}`, openedAtMs: openedAtMs + index, ...seller });
  });
}
