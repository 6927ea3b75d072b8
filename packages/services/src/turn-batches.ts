/**
 * Turn batches: calls that ask the same question for different keys in one turn of the event loop share one statement.
 *
 * Nothing is kept from one turn to the next, so an answer is as fresh as if it had been asked for alone. With fifty
 * calls in flight the round trips fall to a few. Limits: 500 keys a statement; the next key begins another.
 */
import type { Statement, Statements } from "@karvon/db";

const keysMax = 500;

export interface TurnBatches {
  /**
   * The row of `key`, or null. `$1` of the statement is the list of keys, the others are `values`; each row names its
   * key in a column `key`.
   */
  find<Row extends { readonly key: string }>(statement: Statement, key: string, values?: readonly (string | Date)[]): Promise<Row | null>;
}

interface Batch {
  readonly keys: Set<string>;
  readonly rows: Promise<ReadonlyMap<string, object>>;
}

export function createTurnBatches(statements: Pick<Statements, "query">): TurnBatches {
  const gathering = new Map<string, Batch>();

  function begin(name: string, statement: Statement, values: readonly (string | Date)[]): Batch {
    const keys = new Set<string>();
    const rows = endOfTurn().then(async () => {
      // Whoever asks from here on is too late for this statement and begins the next.
      if (gathering.get(name)?.keys === keys) gathering.delete(name);
      const found = await statements.query<{ key: string }>(statement, [[...keys], ...values]);
      return new Map(found.map((row) => [row.key, row]));
    });
    const batch = { keys, rows };
    gathering.set(name, batch);
    return batch;
  }

  return {
    async find<Row extends { readonly key: string }>(statement: Statement, key: string, values: readonly (string | Date)[] = []) {
      const name = `${statement.name} ${values.map((value) => (value instanceof Date ? value.getTime() : value)).join(" ")}`;
      let batch = gathering.get(name);
      if (batch === undefined || batch.keys.size >= keysMax) batch = begin(name, statement, values);
      batch.keys.add(key);
      const row = (await batch.rows).get(key);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Row` is the caller's word for what its statement selects, as with Statements
      return row === undefined ? null : (row as Row);
    },
  };
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
