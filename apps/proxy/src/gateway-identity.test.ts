import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openGatewayIdentity, timeInRun } from "./gateway-identity.ts";

const hourMs = 3_600_000;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "karvon-identity-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a run after the clock went back comes after the run before, and after every session that it left", () => {
  const folder = newFolder();
  const first = openGatewayIdentity(folder, 0, hourMs, () => 0);
  const second = openGatewayIdentity(folder, 0, 1_000, () => 0);
  const third = openGatewayIdentity(folder, 0, 2_000, (id) => (id === first.id ? 2 * hourMs : 0));
  expect([second.id, third.id]).toEqual([first.id, first.id]);
  expect([first, second, third].map(({ epoch }) => epoch)).toEqual([3_600_000n, 3_600_001n, 7_200_001n]);
});

test("nothing happens in a run before it began, whatever the clock shows", () => {
  const run = { epoch: BigInt(hourMs) };
  expect(timeInRun(run, 1_000)).toBe(hourMs);
  expect(timeInRun(run, hourMs + 5)).toBe(hourMs + 5);
});
