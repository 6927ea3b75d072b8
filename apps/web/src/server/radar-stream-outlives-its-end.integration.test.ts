import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLogger } from "@karvon/telemetry";
import { until } from "@karvon/testkit";
import { afterEach, expect, test } from "vitest";
import { createRadarHub } from "./radar-feed.ts";
import { startRadarSubscriber } from "./radar-subscriber.ts";
import { quietTick } from "../test/quiet-tick.ts";

const closeMsMax = 3_000;
const tickEveryMs = 20;

let gateway: Server | null = null;
afterEach(() => gateway?.closeAllConnections());

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

function listenGateway(onTick: () => void): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => {
      response.write(`event: tick\ndata: ${JSON.stringify(quietTick)}\n\n`);
      onTick();
    }, tickEveryMs);
    response.on("close", () => clearInterval(timer));
  });
  gateway = server;
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}

test("closes while the gateway goes on sending, also after memory was collected", async () => {
  let ticks = 0;
  const opsUrl = await listenGateway(() => (ticks += 1));
  const subscriber = startRadarSubscriber({
    hub: createRadarHub(),
    serviceToken: "token",
    listGateways: () => Promise.resolve([{ id: "gwy_test", opsUrl }]),
    log: createLogger({ name: "test", level: "fatal" }),
  });
  await until(() => ticks > 10);
  collectGarbage();
  const seen = ticks;
  await until(() => ticks > seen + 5);
  collectGarbage();
  const closed = subscriber.close().then(() => "closed");
  const late = new Promise((resolve) => setTimeout(() => resolve("still open"), closeMsMax).unref());
  expect(await Promise.race([closed, late])).toBe("closed");
});
