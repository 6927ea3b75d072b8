/**
 * A real database for one simulation after the other: always the same people and gateways, and books that are emptied between
 * two runs, so that the checks C1 to C7 look at one run only and cost the same in the first and in the last.
 */
import { type GatewayDatabase, openGatewayDatabase } from "@karvon/db/sql";
import { createTestDatabase, type Fixtures, openFixtures, type TestDatabase } from "@karvon/testkit";

export interface Person {
  readonly clientId: string;
  readonly proxyUserId: string;
  readonly username: string;
}

export interface Exit {
  readonly operatorId: string;
  readonly nodeId: string;
}

export interface Fault {
  readonly check: string;
  readonly subject: string;
  readonly detail: string;
}

export interface BilledSession {
  readonly id: string;
  readonly bytes: number;
  readonly isClosed: boolean;
}

const peopleMax = 5;
const exitsMax = 3;
const gatewaysMax = 4;
/** What emptied books leave in the files slows the checks down. */
const resetsPerVacuum = 25;

const emptyBooks = `
  BEGIN;
  SET LOCAL session_replication_role = replica;
  DELETE FROM quota_grant; DELETE FROM ledger_entry; DELETE FROM ledger_tx; DELETE FROM usage_batch; DELETE FROM usage_hour; DELETE FROM proxy_session;
  DELETE FROM ledger_account WHERE owner_id <> 'network';
  UPDATE ledger_account SET posted = 0, version = 0, reserved = 0, is_overdrawn = false WHERE version <> 0;
  UPDATE gateway SET epoch = 1, seq = 0, last_hash = NULL;
  UPDATE proxy_user SET used_bytes = 0, traffic_limit_bytes = NULL, day_mark_bytes = 0, month_mark_bytes = 0, marked_on = DEFAULT;
  COMMIT`;

/** The checks of the reconciliation, and that nobody has spent what it did not have. */
const findFaults = {
  name: "find-faults",
  text: `
    SELECT f."check", f.subject, f.detail FROM reconcile_fault AS f
    UNION ALL SELECT 'overspend', owner_id, posted::text FROM ledger_account WHERE kind = 'client_bytes' AND posted < 0
    UNION ALL SELECT 'limit', id, used_bytes::text FROM proxy_user WHERE used_bytes > traffic_limit_bytes`,
};

export class LedgerLab {
  readonly database: GatewayDatabase;
  readonly people: readonly Person[];
  readonly exits: readonly Exit[];
  readonly gatewayIds: readonly string[];
  readonly priceId: string;
  readonly #test: TestDatabase;
  readonly #fixtures: Fixtures;
  #resets = 0;

  /** `prepare` may change the database before anybody is in it. */
  static async open(prepare: (fixtures: Fixtures) => Promise<void> = async () => undefined): Promise<LedgerLab> {
    const test = await createTestDatabase();
    const fixtures = openFixtures(test.url);
    await prepare(fixtures);
    const people: Person[] = [];
    while (people.length < peopleMax) {
      const { clientId } = await fixtures.makeClient();
      people.push({ clientId, ...(await fixtures.makeProxyUser(clientId)) });
    }
    const exits: Exit[] = [];
    while (exits.length < exitsMax) {
      const { operatorId } = await fixtures.makeOperator();
      exits.push({ operatorId, nodeId: (await fixtures.makeNode(operatorId)).nodeId });
    }
    const gatewayIds: string[] = [];
    while (gatewayIds.length < gatewaysMax) gatewayIds.push(await fixtures.makeGateway());
    return new LedgerLab(test, fixtures, people, exits, gatewayIds);
  }

  private constructor(
    test: TestDatabase,
    fixtures: Fixtures,
    people: readonly Person[],
    exits: readonly Exit[],
    gatewayIds: readonly string[],
  ) {
    this.#test = test;
    this.#fixtures = fixtures;
    this.people = people;
    this.exits = exits;
    this.gatewayIds = gatewayIds;
    this.priceId = fixtures.priceId;
    this.database = openGatewayDatabase({ url: test.url, poolMax: 1, onError: () => undefined });
  }

  /** Empties the books. */
  async reset(): Promise<void> {
    this.#resets += 1;
    await this.#fixtures.pool.query(emptyBooks);
    if (this.#resets % resetsPerVacuum === 0) await this.#fixtures.pool.query("VACUUM");
  }

  credit(clientId: string, bytes: number): Promise<void> {
    return this.#fixtures.credit(clientId, BigInt(bytes));
  }

  async limit(proxyUserId: string, bytes: number): Promise<void> {
    await this.#fixtures.pool.query("UPDATE proxy_user SET traffic_limit_bytes = $2 WHERE id = $1", [proxyUserId, bytes]);
  }

  /** The database's clock cannot be moved, so what is to happen at an instant of it is moved the other way. */
  async passTime(ms: number): Promise<void> {
    await this.#fixtures.pool.query("UPDATE quota_grant SET expires_at = expires_at - $1 * interval '1 ms' WHERE state = 'open'", [ms]);
  }

  async findFaults(): Promise<Fault[]> {
    const { rows } = await this.#fixtures.pool.query<Fault>(findFaults);
    return rows;
  }

  async readSessions(): Promise<BilledSession[]> {
    const { rows } = await this.#fixtures.pool.query<{ id: string; bytes: bigint; is_closed: boolean }>(
      "SELECT id, up_bytes + down_bytes AS bytes, closed_at IS NOT NULL AS is_closed FROM proxy_session",
    );
    return rows.map(({ id, bytes, is_closed }) => ({ id, bytes: Number(bytes), isClosed: is_closed }));
  }

  /** By client. */
  async readBalances(): Promise<Map<string, { readonly posted: number; readonly reserved: number }>> {
    const { rows } = await this.#fixtures.pool.query<{ owner_id: string; posted: bigint; reserved: bigint }>(
      "SELECT owner_id, posted, reserved FROM ledger_account WHERE kind = 'client_bytes'",
    );
    return new Map(rows.map(({ owner_id, posted, reserved }) => [owner_id, { posted: Number(posted), reserved: Number(reserved) }]));
  }

  /** What a run's grant of a user says was carried; null without one. */
  async readUsed(proxyUserId: string, gatewayId: string, epoch: bigint): Promise<number | null> {
    const { rows } = await this.#fixtures.pool.query<{ used: bigint }>(
      "SELECT used FROM quota_grant WHERE proxy_user_id = $1 AND gateway_id = $2 AND epoch = $3",
      [proxyUserId, gatewayId, epoch],
    );
    return rows[0] === undefined ? null : Number(rows[0].used);
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.#fixtures.close();
    await this.#test.drop();
  }
}
