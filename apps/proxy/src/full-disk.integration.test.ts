/** What a gateway with a full disk owes its clients and the ledger: a refusal that says so, and every byte of the sessions that are open. */
import { printFigure, until } from "@karvon/testkit";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { openRig, type Rig } from "./test/rig.ts";

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
