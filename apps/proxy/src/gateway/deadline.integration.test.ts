import { until } from "@karvon/testkit";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Deadline } from "./deadline.ts";

/** Two ends of one connection, and the way to end them. */
async function openPair(): Promise<{ here: Socket; there: Socket; close: () => void }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const there = connect({ port: typeof address === "object" && address !== null ? address.port : 0, host: "127.0.0.1" });
  const [here]: Socket[] = await once(server, "connection");
  if (here === undefined) throw new Error("no connection");
  const close = (): void => {
    here.destroy();
    there.destroy();
    server.close();
  };
  return { here, there, close };
}

/** Nothing else happens in this process meanwhile. */
function stall(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("what came in time counts, also when this process was too busy to read it in time", async () => {
  const { here, there, close } = await openPair();
  let reached = 0;
  let received = 0;
  const deadline = new Deadline(() => (reached += 1));
  here.on("data", () => {
    received += 1;
    deadline.lift();
  });
  deadline.set(50);
  there.write("in time");
  stall(100);
  await until(() => received === 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(reached).toBe(0);
  deadline.set(20);
  await until(() => reached === 1);
  close();
});
