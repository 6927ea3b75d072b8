/** Rows that tests need before they begin, written straight into a test database. */
import { newId } from "@karvon/domain";
import pg from "pg";

export interface ClientFixture {
  readonly userId: string;
  readonly clientId: string;
  readonly email: string;
}
export interface OperatorFixture {
  readonly userId: string;
  readonly operatorId: string;
  readonly email: string;
}
export interface NodeFixture {
  readonly nodeId: string;
  readonly keyId: string;
}
export interface ProxyUserFixture {
  readonly proxyUserId: string;
  readonly username: string;
}

export interface Fixtures {
  /** For the questions that a test asks itself. BIGINT comes as bigint. */
  readonly pool: pg.Pool;
  makeClient(): Promise<ClientFixture>;
  makeOperator(): Promise<OperatorFixture>;
  makeNode(operatorId: string, key?: { readonly publicKey: Buffer; readonly fingerprint: Buffer }): Promise<NodeFixture>;
  makeProxyUser(
    clientId: string,
    options?: { readonly username?: string; readonly secretHash?: Buffer; readonly trafficLimitBytes?: bigint },
  ): Promise<ProxyUserFixture>;
  /** A code that an agent may use once; `tokenHash` is SHA-256 of the token. */
  makeEnrolmentToken(operatorId: string, tokenHash: Buffer, expiresInMs?: number): Promise<string>;
  makeGateway(id?: string, epoch?: bigint): Promise<string>;
  /** Bytes and money as a purchase posts them. */
  credit(clientId: string, bytes: bigint, microUsd?: bigint): Promise<void>;
  /** Money that an operator may ask for, out of the promotion account. */
  earn(operatorId: string, microUsd: bigint): Promise<void>;
  /** The id of the price that the migrations put there. */
  readonly priceId: string;
  close(): Promise<void>;
}

type Insert = (text: string, values: unknown[]) => Promise<void>;

export function openFixtures(url: string): Fixtures {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));
  const pool = new pg.Pool({ connectionString: url, max: 10, types });
  pool.on("error", () => undefined);
  const insert: Insert = async (text, values) => void (await pool.query(text, values));
  return {
    ...peopleFixtures(insert),
    ...fleetFixtures(insert),
    pool,
    priceId: "prc_00000000000000000000000001",
    async credit(clientId, bytes, microUsd = (bytes * 3_000n) / 1_000_000n) {
      const entries = [
        { kind: "bytes_issued", amount: `${-bytes}` },
        { kind: "client_bytes", ownerId: clientId, amount: `${bytes}` },
        { kind: "payment_clearing", amount: `${-microUsd}` },
        { kind: "client_usd", ownerId: clientId, amount: `${microUsd}` },
      ];
      await insert("SELECT ledger_post($1, 'top_up', 'test', NULL, $2)", [`test:${newId("ord")}`, JSON.stringify(entries)]);
    },
    async earn(operatorId, microUsd) {
      const entries = [
        { kind: "promotion", amount: `${-microUsd}` },
        { kind: "operator_payable", ownerId: operatorId, amount: `${microUsd}` },
      ];
      await insert("SELECT ledger_post($1, 'correction', 'test', NULL, $2)", [`test:${newId("ord")}`, JSON.stringify(entries)]);
    },
    close: () => pool.end(),
  };
}

function peopleFixtures(insert: Insert): Pick<Fixtures, "makeClient" | "makeOperator" | "makeProxyUser"> {
  const makeUser = async (role: "client" | "operator"): Promise<{ userId: string; email: string }> => {
    const userId = newId("usr");
    const email = `${userId}@test.local`;
    await insert("INSERT INTO user_account (id, email, role, display_name, email_verified_at) VALUES ($1, $2, $3, $4, now())", [
      userId,
      email,
      role,
      `Test ${role}`,
    ]);
    return { userId, email };
  };
  return {
    async makeClient() {
      const user = await makeUser("client");
      const clientId = newId("cli");
      await insert("INSERT INTO client (id, user_id) VALUES ($1, $2)", [clientId, user.userId]);
      return { ...user, clientId };
    },
    async makeOperator() {
      const user = await makeUser("operator");
      const operatorId = newId("opr");
      await insert("INSERT INTO operator (id, user_id) VALUES ($1, $2)", [operatorId, user.userId]);
      return { ...user, operatorId };
    },
    async makeProxyUser(clientId, options = {}) {
      const proxyUserId = newId("pxu");
      const username = options.username ?? `u${proxyUserId.slice(-12)}`;
      const { secretHash = randomBytes(32), trafficLimitBytes = null } = options;
      await insert("INSERT INTO proxy_user (id, client_id, username, secret_hash, traffic_limit_bytes) VALUES ($1, $2, $3, $4, $5)", [
        proxyUserId,
        clientId,
        username,
        secretHash,
        trafficLimitBytes,
      ]);
      return { proxyUserId, username };
    },
  };
}

function fleetFixtures(insert: Insert): Pick<Fixtures, "makeNode" | "makeEnrolmentToken" | "makeGateway"> {
  return {
    async makeNode(operatorId, key) {
      const nodeId = newId("nod");
      const keyId = newId("key");
      const { publicKey, fingerprint } = key ?? { publicKey: randomBytes(91), fingerprint: randomBytes(32) };
      await insert("INSERT INTO node (id, operator_id, label) VALUES ($1, $2, 'Test node')", [nodeId, operatorId]);
      await insert("INSERT INTO node_key (id, node_id, algorithm, public_key, fingerprint) VALUES ($1, $2, 'ed25519', $3, $4)", [
        keyId,
        nodeId,
        publicKey,
        fingerprint,
      ]);
      return { nodeId, keyId };
    },
    async makeEnrolmentToken(operatorId, tokenHash, expiresInMs = 600_000) {
      const id = newId("enr");
      await insert(
        "INSERT INTO enrolment_token (id, operator_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')",
        [id, operatorId, tokenHash, expiresInMs],
      );
      return id;
    },
    async makeGateway(id = newId("gwy"), epoch = 1n) {
      await insert("INSERT INTO gateway (id, epoch, ops_url, started_at) VALUES ($1, $2, 'http://127.0.0.1:0', now())", [id, epoch]);
      return id;
    },
  };
}

function randomBytes(length: number): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
}
