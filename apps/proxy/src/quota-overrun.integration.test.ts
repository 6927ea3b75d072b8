import { isFullTier, printFigure, until } from "@karvon/testkit";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "node:net";
import type { TunnelStream } from "@karvon/tunnel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GatewayProcess, type GatewayProcesses, openGatewayProcesses } from "./test/gateway-process.ts";
import { connectHead, startTarget } from "./test/metered-line.ts";
import { dial, exchange, readAnswer } from "./test/raw-client.ts";
import { connectTarget } from "./test/test-node.ts";

const [gatewaysMax, sessionsMax] = isFullTier ? [8, 200] : [2, 40];
const balanceBytes = 50_000_000;
/** What a device may have on its way for one session: the bound that the documents state. */
const overrunPerSessionMax = 327_680;
const cutMsMax = 2_000;

let processes: GatewayProcesses;
beforeAll(async () => {
  processes = await openGatewayProcesses();
});
afterAll(() => processes.close());

/** Each with a data folder of its own: a gateway's name stands there. */
async function startGateways(count: number, devices: TunnelStream[]): Promise<GatewayProcess[]> {
  const gateways: GatewayProcess[] = [];
  for (let number = 0; number < count; number += 1) {
    const folder = join(processes.dataDir, `gateway-${number}`);
    cpSync(join(processes.dataDir, "keys"), join(folder, "keys"), { recursive: true });
    const gateway = await processes.start({ KARVON_DATA_DIR: folder });
    await processes.addNode(gateway, {
      onOpen(stream, target) {
        devices.push(stream);
        connectTarget(stream, target);
      },
    });
    gateways.push(gateway);
  }
  return gateways;
}

class MeteredClient {
  received = 0;
  lastByteAtMs = 0;
  closedAtMs = 0;
  isOpen = false;
  readonly socket: Socket;
  #head = Buffer.alloc(0);

  constructor(socket: Socket, head: string) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => (this.closedAtMs = performance.now()));
    socket.write(head);
  }

  #take(chunk: Buffer): void {
    if (this.isOpen) {
      this.received += chunk.length;
      this.lastByteAtMs = performance.now();
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end >= 0) this.isOpen = readAnswer(this.#head).status === 200;
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

test(`M09: ${gatewaysMax} gateways and ${sessionsMax} sessions at full speed spend one balance to the byte`, async () => {
  const devices: TunnelStream[] = [];
  const gateways = await startGateways(gatewaysMax, devices);
  const block = Buffer.alloc(262_144);
  // Endless from the client's first byte on, as fast as it is read.
  const target = await startTarget((socket) => {
    const pump = (): void => {
      while (!socket.destroyed && socket.write(block));
    };
    socket.once("data", pump);
    socket.on("drain", pump);
  });
  const login = await processes.makeLogin(BigInt(balanceBytes));
  const clients = await Promise.all(
    Array.from({ length: sessionsMax }, async (_, number) => {
      const { proxyPort } = gateways[number % gateways.length] ?? { proxyPort: 0 };
      return new MeteredClient(await dial(proxyPort), connectHead(target.port, login));
    }),
  );
  await until(() => clients.every(({ isOpen }) => isOpen), { what: "every tunnel", timeoutMs: 30_000 });
  for (const { socket } of clients) socket.write("!");
  await until(() => clients.every(({ closedAtMs }) => closedAtMs > 0), { what: "the end of every session", timeoutMs: 60_000 });
  const refused = readAnswer(await exchange(gateways[0]?.proxyPort ?? 0, connectHead(target.port, login)));
  for (const { child } of gateways) child.kill("SIGTERM");
  await Promise.all(gateways.map(({ exited }) => exited));
  target.close();

  const delivered = clients.reduce((sum, { received }) => sum + received, 0) + sessionsMax;
  const sentByDevices = devices.reduce((sum, stream) => sum + stream.downBytes + stream.upBytes, 0);
  const exhaustedAtMs = Math.max(...clients.map(({ lastByteAtMs }) => lastByteAtMs));
  const cutMs = clients.map(({ closedAtMs }) => Math.max(0, closedAtMs - exhaustedAtMs));
  const { rows } = await processes.fixtures.pool.query<{ posted: bigint; reserved: bigint }>(
    "SELECT posted, reserved FROM ledger_account WHERE kind = 'client_bytes'",
  );
  const faults = await processes.fixtures.pool.query("SELECT subject FROM reconcile_fault");
  const overrunPerSession = Math.max(0, sentByDevices - balanceBytes) / sessionsMax;
  printFigure("M09", {
    gateways: gatewaysMax,
    sessions: sessionsMax,
    balanceBytes,
    deliveredBytes: delivered,
    overspendBytes: Number(rows[0]?.posted) < 0 ? -Number(rows[0]?.posted) : 0,
    unspentBytes: Number(rows[0]?.posted),
    deliveredBeyondBytes: Math.max(0, delivered - balanceBytes),
    overrunPerSessionBytes: Math.round(overrunPerSession),
    cutLatencyP50Ms: Math.round(percentile(cutMs, 0.5)),
    cutLatencyP95Ms: Math.round(percentile(cutMs, 0.95)),
    cutLatencyMaxMs: Math.round(Math.max(...cutMs)),
  });
  expect(refused).toMatchObject({ status: 402, headers: { "x-error-code": "balance_exhausted" } });
  expect(rows[0]).toEqual({ posted: BigInt(balanceBytes - delivered), reserved: 0n });
  expect(delivered).toBeLessThanOrEqual(balanceBytes);
  expect(overrunPerSession).toBeLessThanOrEqual(overrunPerSessionMax);
  expect(percentile(cutMs, 0.95)).toBeLessThanOrEqual(cutMsMax);
  expect(faults.rows).toEqual([]);
}, 180_000);
