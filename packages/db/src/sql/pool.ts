import pg from "pg";

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 20_000;
/** Longer than the server's own limit: it strikes only when the server does not answer at all. */
const queryTimeoutMs = 25_000;
const idleTimeoutMs = 60_000;
export const poolMaxDefault = 8;

/** BIGINT columns arrive as bigint. pg's own default is text, because number cannot hold them. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));

/** A pool whose broken idle connections are reported instead of ending the process. */
export function openPool(url: string, max: number, onError: (cause: unknown) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: "karvon-gateway",
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  });
  pool.on("error", onError);
  // pg takes its own listener off a client while it is lent out; an error in that time must not be unhandled either.
  pool.on("connect", (client) => client.on("error", onError));
  return pool;
}

/** Runs `work` in one transaction; rolls back when it rejects. A connection whose rollback fails is thrown away. */
export async function inTransaction<Result>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (cause) {
    await client.query("ROLLBACK").catch(() => (broken = true));
    throw cause;
  } finally {
    client.release(broken);
  }
}
