/**
 * A gateway process under load that is killed: clients that count what they receive, a target that counts what it is sent, and
 * what the ledger says of each session afterwards.
 */
import { until } from "@karvon/testkit";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { GatewayProcess, GatewayProcesses } from "./gateway-process.ts";
import { basic, dial } from "./raw-client.ts";

/** Says endlessly what nobody needs, and counts what each connection has sent, under the name that it sent first. */
export interface CountingTarget {
  readonly port: number;
  readonly received: ReadonlyMap<string, number>;
  readonly openCount: number;
  /** Counts anew. */
  forget(): void;
  close(): void;
}

const chunk = Buffer.alloc(65_536, "karvon ");
/** A client's name is the first thing that it sends. */
const nameBytes = 8;

export async function startCountingTarget(): Promise<CountingTarget> {
  const received = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    let name = "";
    let bytes = 0;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (data: Buffer) => {
      if (name.length < nameBytes) name += data.subarray(0, nameBytes - name.length).toString("latin1");
      bytes += data.length;
      received.set(name, bytes);
    });
    pour(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    received,
    get openCount() {
      return sockets.size;
    },
    forget: () => received.clear(),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Writes as fast as the other side reads. */
function pour(socket: Socket): void {
  const more = (): void => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}

export interface KillClient {
  readonly name: string;
  readonly sessionId: string;
  readonly receivedBytes: number;
  readonly isClosed: boolean;
}

/** A tunnel that carries both ways as fast as it can. */
export async function startKillClient(
  gateway: GatewayProcess,
  login: { readonly username: string; readonly password: string },
  targetPort: number,
  name: string,
): Promise<KillClient> {
  const socket = await dial(gateway.proxyPort);
  const client = { name, sessionId: "", receivedBytes: 0, isClosed: false };
  socket.once("close", () => (client.isClosed = true));
  socket.write(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`);
  let head = "";
  socket.on("data", (data: Buffer) => {
    if (client.sessionId !== "") {
      client.receivedBytes += data.length;
      return;
    }
    head += data.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    client.sessionId = /x-px-request-id: (\S+)/i.exec(head)?.[1] ?? "none";
    client.receivedBytes = head.length - end - 4;
  });
  await until(() => client.sessionId !== "", { what: "an open tunnel", everyMs: 2 });
  socket.write(name.padEnd(nameBytes).slice(0, nameBytes));
  pour(socket);
  return client;
}

export interface KillFigures {
  readonly sessions: number;
  readonly deliveredBytes: number;
  readonly mbPerS: number;
  underBilledBytes: number;
  overBilledBytes: number;
}

export interface KillPlan {
  readonly processes: GatewayProcesses;
  readonly target: CountingTarget;
  readonly login: { readonly username: string; readonly password: string };
  readonly clients: number;
  readonly nodes: number;
  /** What clients have received when the gateway is killed. */
  readonly killAtBytes: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** One gateway, loaded and killed; its successor posts what it owes. Ends when every session is in the ledger with its end. */
export async function killOnce(plan: KillPlan): Promise<KillFigures> {
  const { processes, target, environment } = plan;
  const gateway = await processes.start(environment);
  for (let number = 0; number < plan.nodes; number += 1) await processes.addNode(gateway);
  target.forget();
  const startedMs = performance.now();
  const clients = await Promise.all(
    Array.from({ length: plan.clients }, (_, number) => startKillClient(gateway, plan.login, target.port, `client${number}`)),
  );
  const received = (): number => clients.reduce((sum, client) => sum + client.receivedBytes, 0);
  await until(() => received() >= plan.killAtBytes, { what: "enough traffic", everyMs: 1 });
  gateway.child.kill("SIGKILL");
  const seconds = (performance.now() - startedMs) / 1_000;
  await gateway.exited;
  await until(() => clients.every((client) => client.isClosed) && target.openCount === 0, { what: "every connection's end" });
  const successor = await processes.start(environment);
  const figures = await compare(plan, clients, seconds);
  successor.child.kill("SIGTERM");
  await successor.exited;
  return figures;
}

async function compare({ processes, target }: KillPlan, clients: readonly KillClient[], seconds: number): Promise<KillFigures> {
  const ids = clients.map(({ sessionId }) => sessionId);
  const select = "SELECT id, up_bytes, down_bytes FROM proxy_session WHERE id = ANY($1) AND closed_at IS NOT NULL";
  const rows = await until(
    async () => {
      const found = (await processes.fixtures.pool.query(select, [ids])).rows;
      return found.length === ids.length ? found : null;
    },
    { what: "every session in the ledger" },
  );
  const billed = new Map(
    rows.map((row): [string, { up: number; down: number }] => [row.id, { up: Number(row.up_bytes), down: Number(row.down_bytes) }]),
  );
  let delivered = 0;
  const figures = { underBilledBytes: 0, overBilledBytes: 0 };
  for (const { name, sessionId, receivedBytes } of clients) {
    const { up, down } = billed.get(sessionId) ?? { up: 0, down: 0 };
    for (const [had, paid] of [[receivedBytes, down] as const, [target.received.get(name.padEnd(nameBytes)) ?? 0, up] as const]) {
      delivered += had;
      figures.underBilledBytes += Math.max(0, had - paid);
      figures.overBilledBytes += Math.max(0, paid - had);
    }
  }
  return { sessions: clients.length, deliveredBytes: delivered, mbPerS: Math.round(delivered / seconds / 1e5) / 10, ...figures };
}
