/**
 * Statements: named SQL for the pages that are asked for all the time.
 *
 * A name is prepared and planned once per connection, where the same text through Prisma is planned on every call: for a
 * page over partitioned tables that is five sixths of the database's work. The one plan knows no values, so a text must
 * say the size of its page itself and bound its times on both sides (partitions are then left out as it starts).
 *
 * Reading only.
 *
 * Limits: 10 connections unless told otherwise, 5 s to connect, 5 s a statement. BIGINT comes as bigint.
 */
import pg from "pg";

const poolMaxDefault = 10;
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 5_000;
const idleTimeoutMs = 60_000;

export interface Statement {
  /** One name, one text: PostgreSQL refuses a name that comes with another text. */
  readonly name: string;
  readonly text: string;
}

export interface Statements {
  /** `Row` is the caller's word for what the text selects. */
  query<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface StatementsOptions {
  readonly url: string;
  readonly poolMax?: number;
  readonly onError?: (cause: unknown) => void;
}

export function openStatements(options: StatementsOptions): Statements {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax ?? poolMaxDefault,
    application_name: "karvon-panel-reads",
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    options: "-c plan_cache_mode=force_generic_plan",
    types,
  });
  // A connection that breaks while it idles would otherwise end the process.
  pool.on("error", (cause) => options.onError?.(cause));
  return {
    async query<Row extends object>({ name, text }: Statement, values: readonly unknown[]) {
      const result = await pool.query<Row>({ name, text, values: [...values] });
      return result.rows;
    },
    close: () => pool.end(),
  };
}
