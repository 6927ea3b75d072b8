import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "@karvon/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEcho } from "./test/servers.ts";
import { TestGateway } from "./test/test-gateway.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const startTimeoutMs = 30_000;
let gateway: TestGateway;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  gateway = new TestGateway();
  await gateway.listen();
  folder = mkdtempSync(join(tmpdir(), "karvon-cli-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await gateway.close();
  rmSync(folder, { recursive: true });
});

interface Program {
  readonly child: ChildProcess;
  output(): string;
  readonly exit: Promise<number | null>;
}

function start(...args: readonly string[]): Program {
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args, "--data", folder], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exit: new Promise((resolve) => child.once("exit", resolve)) };
}

test("a device enrols, serves, shows what passes, stops on Ctrl-C and withdraws", async () => {
  const echo = await startEcho();
  const enrolled = start("enroll", gateway.makeCode(), "--accept-consent", "--label", "shelf");
  expect(await enrolled.exit, enrolled.output()).toBe(0);
  expect(enrolled.output()).toContain("Enrolled with Test operator");

  const running = start("run", "--battery", "80", "--network", "wifi", "--daily-mb", "100", "--egress-allow", "127.0.0.1/32", "--json");
  await until(() => gateway.ready.length === 1, { timeoutMs: startTimeoutMs });
  await until(() => gateway.statuses.at(-1)?.batteryPercent === 80);
  expect(gateway.statuses.at(-1)).toMatchObject({ network: "wifi", accepting: true, dayLimitBytes: 100_000_000 });

  const passing = gateway.open("127.0.0.1", echo.port);
  expect((await passing.outcome).kind).toBe("opened");
  const pipe = passing.stream.toDuplex();
  pipe.on("error", () => undefined);
  pipe.write("hello");
  await until(() => passing.stream.downBytes === 5);
  await until(() => running.output().includes('"stream-opened"'));

  running.child.kill("SIGINT");
  const stoppedAtMs = performance.now();
  expect(await passing.end).toMatchObject({ kind: "reset", code: "ownerStopped" });
  expect(performance.now() - stoppedAtMs).toBeLessThan(1_000);
  expect(await running.exit, running.output()).toBe(0);
  expect(gateway.goAways).toContain("ownerStopped");
  expect(running.output()).toContain('"stopped"');

  const shown = start("status", "--json");
  expect(await shown.exit).toBe(0);
  expect(JSON.parse(shown.output())).toMatchObject({ label: "shelf", isWithdrawn: false, dayBytes: 10 });

  const withdrawn = start("withdraw");
  expect(await withdrawn.exit, withdrawn.output()).toBe(0);
  expect(gateway.withdrawals).toBe(1);
  const again = start("run");
  expect(await again.exit).toBe(3);
  expect(again.output()).toContain("withdrawn your consent");
  await echo.close();
});

test("without a terminal and without --accept-consent nobody has agreed, and nothing is sent", async () => {
  const program = start("enroll", gateway.makeCode());
  expect(await program.exit).toBe(1);
  expect(program.output()).toContain("--accept-consent");
  expect(gateway.challenges).toHaveLength(0);
});

test("a device that is not enrolled says what to do", async () => {
  const program = start("run");
  expect(await program.exit).toBe(1);
  expect(program.output()).toContain("karvon-agent enroll <code>");
});
