import { until } from "@karvon/testkit";
import { expect, onTestFinished, test } from "vitest";
import { type MeteredLine, startTarget, tunnelTo } from "./test/metered-line.ts";
import { openRig } from "./test/rig.ts";

async function echo(line: MeteredLine, bytes: number): Promise<void> {
  const wanted = line.received() + bytes;
  line.socket.write(Buffer.alloc(bytes));
  await until(() => line.received() === wanted);
}

test("a session that the ledger refuses for good ends; the sessions beside it go on and are charged", async () => {
  const rig = await openRig();
  onTestFinished(() => rig.close());
  await rig.addNode();
  const target = await startTarget((socket) => socket.pipe(socket));
  onTestFinished(() => target.close());
  const [refused, charged] = [await rig.makeLogin(), await rig.makeLogin()];
  const { pool } = rig.fixtures;
  await pool.query(`ALTER TABLE proxy_session ADD CONSTRAINT refuse_one CHECK (proxy_user_id <> '${refused.proxyUserId}')`);
  const [doomed, line] = [await tunnelTo(rig, target.port, refused), await tunnelTo(rig, target.port, charged)];
  await echo(doomed, 1_000);
  await echo(line, 1_000);

  const ended = new Promise((resolve) => doomed.socket.on("error", () => undefined).once("close", resolve));
  await rig.proxy.flushNow();
  await ended;
  await echo(line, 500);
  await rig.proxy.flushNow();
  const { rows } = await pool.query("SELECT id, used_bytes FROM proxy_user WHERE used_bytes > 0");
  expect(rows).toEqual([{ id: charged.proxyUserId, used_bytes: 3_000n }]);
  const letters = await pool.query("SELECT sqlstate, message FROM usage_dead_letter ORDER BY id");
  expect(letters.rows[0]).toEqual({ sqlstate: "23514", message: expect.stringContaining("refuse_one") });
  expect(rig.logLines).toContainEqual(expect.objectContaining({ event: "flush.refused" }));
  line.socket.destroy();
});
