import { afterAll, beforeAll, describe, test } from "vitest";
import { browserClients } from "./test/clients/browser-clients.ts";
import { type ClientWorld, openClientWorld, type RealClient } from "./test/clients/client-world.ts";
import { curlClients } from "./test/clients/curl-clients.ts";
import { npmClients } from "./test/clients/npm-clients.ts";
import { programClients } from "./test/clients/program-clients.ts";

const counts = { passed: 0, failed: 0 };
let world: ClientWorld;

beforeAll(async () => {
  world = await openClientWorld();
});
afterAll(async () => {
  await world.close();
  process.stdout.write(`${JSON.stringify({ figure: "real-clients", ...counts })}\n`);
});

async function run(client: RealClient): Promise<void> {
  counts.failed += 1;
  await client.run(world);
  counts.failed -= 1;
  counts.passed += 1;
}

describe.concurrent("real clients work unchanged:", () => {
  test.each(programClients)("$name", run);
  test.each(curlClients)("$name", run);
});

describe("real clients work unchanged:", () => {
  test.each(npmClients)("$name", run);
  test.each(browserClients)("$name", run);
});
