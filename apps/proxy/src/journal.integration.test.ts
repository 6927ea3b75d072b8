/** What a gateway that is killed, or whose disk is full, owes its clients and the ledger: nothing. */
import { isFullTier, printFigure, until } from "@karvon/testkit";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type GatewayProcesses, openGatewayProcesses } from "./test/gateway-process.ts";
import { type CountingTarget, type KillFigures, killOnce, startCountingTarget, startKillClient } from "./test/kill-world.ts";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { openRig, type Rig } from "./test/rig.ts";

const kills = isFullTier ? 20 : 2;
const mb = 1_000_000;

describe("a gateway process that is killed", () => {
  let processes: GatewayProcesses;
  let target: CountingTarget;
  let login: Awaited<ReturnType<GatewayProcesses["makeLogin"]>>;
  beforeAll(async () => {
    processes = await openGatewayProcesses();
    target = await startCountingTarget();
    login = await processes.makeLogin(10n ** 13n);
  });
  afterAll(async () => {
    target.close();
    await processes.close();
  });

  async function faults(): Promise<unknown[]> {
    const { rows } = await processes.fixtures.pool.query(`SELECT "check", bad_count FROM reconcile() WHERE bad_count > 0`);
    return rows;
  }

  test("M01: bills every byte that its clients received and their targets were sent", async () => {
    const rounds: KillFigures[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const killAtBytes = (30 + ((kill * 37) % 100)) * mb * (isFullTier ? 3 : 1);
      rounds.push(await killOnce({ processes, target, login, clients: 8, nodes: 2, killAtBytes }));
    }
    const sum = (name: "sessions" | "deliveredBytes" | "underBilledBytes" | "overBilledBytes"): number =>
      rounds.reduce((total, round) => total + round[name], 0);
    const figure = {
      kills,
      sessions: sum("sessions"),
      deliveredBytes: sum("deliveredBytes"),
      slowestMbPerS: Math.min(...rounds.map((round) => round.mbPerS)),
      underBilledBytes: sum("underBilledBytes"),
      overBilledBytes: sum("overBilledBytes"),
    };
    printFigure("M01", figure);
    expect(figure.underBilledBytes).toBe(0);
    expect(await faults()).toEqual([]);
    expect(leftFiles(processes)).toEqual([]);
  }, 600_000);

  test("is posted by a successor in another seat, which has another name", async () => {
    const gateway = await processes.start();
    const node = await processes.addNode(gateway);
    const client = await startKillClient(gateway, login, target.port, "other");
    await until(() => client.receivedBytes > mb);
    gateway.child.kill("SIGKILL");
    await gateway.exited;
    await until(() => client.isClosed);
    node.close();
    // What the next process finds when it has another seat: its own file names another gateway.
    rmSync(join(processes.dataDir, "gateway.json"));
    const successor = await processes.start();
    const { rows } = await processes.fixtures.pool.query("SELECT down_bytes, close_reason FROM proxy_session WHERE id = $1", [
      client.sessionId,
    ]);
    expect(rows).toMatchObject([{ close_reason: "gateway_lost" }]);
    expect(Number(rows[0].down_bytes)).toBeGreaterThanOrEqual(client.receivedBytes);
    const grants = await processes.fixtures.pool.query("SELECT FROM quota_grant WHERE state = 'open'");
    expect(grants.rowCount).toBe(0);
    successor.child.kill("SIGTERM");
    await successor.exited;
    expect(leftFiles(processes)).toEqual([]);
  }, 60_000);

  test("M16: loses bytes when it forwards before it writes, so that the comparison can tell", async () => {
    const environment = { KARVON_JOURNAL: "tick:60000" };
    const { underBilledBytes } = await killOnce({ processes, target, login, clients: 2, nodes: 1, killAtBytes: 30 * mb, environment });
    expect(underBilledBytes).toBeGreaterThan(0);
  }, 60_000);
});

/** Journals that nobody has posted. */
function leftFiles({ dataDir }: GatewayProcesses): string[] {
  const root = join(dataDir, "journal");
  return readdirSync(root).flatMap((id) => readdirSync(join(root, id)).filter((name) => name.endsWith(".log")));
}

/** A disk of a megabyte; null where this user may not have one. */
function mountSmallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "karvon-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

function unmount(folder: string): void {
  execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true });
}

const smallDisk = mountSmallDisk();
afterAll(() => {
  if (smallDisk !== null) unmount(smallDisk);
});

describe.skipIf(smallDisk === null)("a full disk", () => {
  const folder = smallDisk ?? "";
  const ballast = join(folder, "ballast");
  function fillDisk(): void {
    try {
      writeFileSync(ballast, Buffer.alloc(2 * 1_048_576));
    } catch {
      // It is full.
    }
  }
  async function open(): Promise<Rig> {
    const rig = await openRig({ journal: { mode: "turn", directory: join(folder, "journal"), segmentBytes: 65_536 } });
    onTestFinished(() => rig.close());
    await rig.addNode();
    return rig;
  }
  const codeOf = async (rig: Rig, head: string): Promise<string | undefined> =>
    readAnswer(await exchange(rig.proxy.proxyPort, head)).headers["x-error-code"];

  test("M05: takes no new session and says why, and serves when there is room", async () => {
    fillDisk();
    const rig = await open();
    const login = await rig.makeLogin();
    const head = `GET http://127.0.0.1:${rig.origin.port}/echo HTTP/1.0\r\n${basic(login.username, login.password)}\r\n`;
    expect(await codeOf(rig, head)).toBe("journal_unavailable");
    const ready = await rig.ops("/readyz");
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("ENOSPC")]);
    rmSync(ballast);
    await until(async () => (await codeOf(rig, head)) === undefined);
  });

  test("M05: does not touch a session that is open, and every byte of it is billed", async () => {
    const rig = await open();
    const login = await rig.makeLogin();
    fillDisk();
    onTestFinished(() => rmSync(ballast, { force: true }));
    expect(existsSync(ballast)).toBe(true);
    const socket = await dial(rig.proxy.proxyPort);
    const authority = `127.0.0.1:${rig.origin.port}`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(readAnswer(answer).status).toBe(200);
    let receivedBytes = 0;
    socket.on("data", (data: Buffer) => (receivedBytes += data.length));
    // Many turns of the journal's two small segments, on a disk without room.
    for (let round = 0; round < 20; round += 1) {
      const before = receivedBytes;
      socket.write(`GET /10mb HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      await until(() => receivedBytes >= before + 10_000_000, { timeoutMs: 20_000 });
    }
    socket.destroy();
    await rig.proxy.flushNow();
    const [row] = await until(async () => {
      await rig.proxy.flushNow();
      const found = await rig.fixtures.pool.query("SELECT down_bytes FROM proxy_session WHERE client_id = $1 AND closed_at IS NOT NULL", [
        login.clientId,
      ]);
      return found.rows.length === 1 ? found.rows : null;
    });
    const figure = { diskBytes: 1_048_576, deliveredBytes: receivedBytes, lostBytes: Math.max(0, receivedBytes - Number(row.down_bytes)) };
    printFigure("M05", figure);
    expect(figure.lostBytes).toBe(0);
  }, 60_000);
});
