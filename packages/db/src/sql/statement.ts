import type { Pool, PoolClient, QueryResultRow } from "pg";

/**
 * One SQL statement under a name. PostgreSQL plans it once per connection; the name shows in its statistics.
 * `Row` is what the caller promises that the columns are; the tests prepare every statement against the migrated schema.
 */
export interface Statement<Row extends QueryResultRow = QueryResultRow> {
  readonly name: string;
  readonly text: string;
  /** Never there at run time: it carries the row's type. */
  readonly row?: Row;
}

export function statement<Row extends QueryResultRow = Record<string, never>>(name: string, text: string): Statement<Row> {
  return { name, text };
}

/** Runs a statement and answers with its rows. Rejects when the outcome is unknown, too. */
export async function run<Row extends QueryResultRow>(
  on: Pool | PoolClient,
  what: Statement<Row>,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const result = await on.query<Row>({ name: what.name, text: what.text, values: [...values] });
  return result.rows;
}

export async function runForOne<Row extends QueryResultRow>(
  on: Pool | PoolClient,
  what: Statement<Row>,
  values: readonly unknown[] = [],
): Promise<Row | null> {
  const rows = await run(on, what, values);
  return rows[0] ?? null;
}
