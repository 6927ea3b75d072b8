import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEgressAllow } from "@karvon/domain";
import { createLogger } from "@karvon/telemetry";
import { until } from "@karvon/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestGateway } from "../../../agent/src/test/test-gateway.ts";
import { createExits } from "../echo/exits.ts";
import { startEcho } from "../echo/start-echo.ts";
import { fleet } from "./members.ts";
import { type FleetOptions, startFleet } from "./start-fleet.ts";

const closers: (() => unknown)[] = [];
let gateway: TestGateway;
let folder: string;
let options: FleetOptions;
let echoPort: number;

beforeEach(async () => {
  gateway = new TestGateway();
  await gateway.listen();
  folder = mkdtempSync(join(tmpdir(), "karvon-fleet-"));
  const exits = createExits();
  const echo = await startEcho({ port: 0, exits });
  closers.push(() => echo.close());
  echoPort = Number(new URL(echo.url).port);
  const egress = parseEgressAllow([`127.0.0.1:${echoPort}`]);
  if (egress.kind === "bad") throw new Error(egress.entry);
  const log = createLogger({ name: "demo", level: "silent" });
  options = { folder, gateway: { host: "127.0.0.1", port: gateway.port }, egressAllow: egress.allow, exits, log };
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await gateway.close();
  rmSync(folder, { recursive: true });
});

async function askThroughLastNode(): Promise<unknown> {
  const { stream, outcome } = gateway.open("127.0.0.1", echoPort);
  expect((await outcome).kind).toBe("opened");
  const pipe = stream.toDuplex();
  let text = "";
  const isOver = new Promise((resolve, reject) => {
    pipe.on("data", (chunk: Buffer) => (text += chunk.toString()));
    pipe.once("end", resolve);
    pipe.once("error", reject);
  });
  pipe.write("GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n");
  await isOver;
  pipe.end();
  return JSON.parse(text.slice(text.indexOf("\r\n\r\n")));
}

test("twelve nodes enrol once, announce their own addresses, and the target knows which one asked", async () => {
  writeFileSync(join(folder, "codes.json"), JSON.stringify(fleet.map(() => gateway.makeCode())));
  const first = await startFleet(options);
  closers.push(() => first.close());
  expect(first.nodes).toBe(12);
  const announced = gateway.proxyHeaders.map((line) => line.split(" ")[2]);
  for (const { address } of fleet) expect(announced).toContain(address);
  const answer = await askThroughLastNode();
  expect(answer).toMatchObject({ country: "UZ", city: "Namangan", ip: "84.54.71.1" });
  expect(fleet.map(({ label }) => label)).toContain(answer !== null && typeof answer === "object" && "node" in answer ? answer.node : null);

  await first.close();
  rmSync(join(folder, "codes.json"));
  gateway.ready.length = 0;
  const second = await startFleet(options);
  closers.push(() => second.close());
  await until(() => gateway.ready.length === 12);
  expect(gateway.failures).toEqual([]);
});

test("a node without a code is left out and the others serve; without any, the start fails clearly", async () => {
  await expect(startFleet(options)).rejects.toThrow(/no demo node could enrol/);
  writeFileSync(join(folder, "codes.json"), JSON.stringify({ codes: [gateway.makeCode(), "kve1.wrong", gateway.makeCode()] }));
  const running = await startFleet(options);
  closers.push(() => running.close());
  expect(running.nodes).toBe(2);
});
