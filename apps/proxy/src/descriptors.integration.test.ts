import { until } from "@karvon/testkit";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openGatewayProcesses } from "./test/gateway-process.ts";
import { connectHead } from "./test/limit-clients.ts";
import { dial, readAnswer } from "./test/raw-client.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const descriptorLimit = 128;
const clientsMax = 160;

interface Outcome {
  readonly socket: Socket;
  /** "open", the code of a refusal, or "silent" when the connection ended without a word. */
  readonly said: string;
}

async function ask(port: number, head: string): Promise<Outcome> {
  const socket = await dial(port);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(head);
  const all = (): Buffer => Buffer.concat(chunks);
  await until(() => all().includes("\r\n\r\n") || socket.readableEnded || socket.destroyed, { timeoutMs: 20_000 });
  const { status, headers } = readAnswer(all());
  if (status === 200) return { socket, said: "open" };
  socket.destroy();
  return { socket, said: headers["x-error-code"] ?? "silent" };
}

test("a gateway with few descriptors answers or refuses every client in words, reaches its database meanwhile, and recovers", async () => {
  const processes = await openGatewayProcesses();
  closers.push(() => processes.close());
  const gateway = await processes.start({}, descriptorLimit);
  const node = await processes.addNode(gateway);
  expect(node.verdict.type).toBe("ready");
  const target = createServer((socket) => socket.on("error", () => undefined).resume());
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  closers.push(() => void target.close());
  const address = target.address();
  const authority = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const makeHead = async (): Promise<string> => connectHead(authority, await processes.makeLogin());

  const head = await makeHead();
  const outcomes = await Promise.all(Array.from({ length: clientsMax }, () => ask(gateway.proxyPort, head)));
  const count = (said: string): number => outcomes.filter((outcome) => outcome.said === said).length;
  expect(count("silent")).toBe(0);
  expect(count("open")).toBeGreaterThanOrEqual(20);
  expect(count("overloaded") + count("concurrency_limit")).toBe(clientsMax - count("open"));

  expect(await gateway.metric("process_open_fds")).toBeLessThan(descriptorLimit);
  // A name that the gateway has never heard: it must ask its database for it while it is as full as it gets.
  outcomes.find(({ said }) => said === "open")?.socket.destroy();
  const stranger = await makeHead();
  const newcomer = await until(async () => {
    const outcome = await ask(gateway.proxyPort, stranger);
    return outcome.said === "open" ? outcome : null;
  });
  for (const { socket } of [...outcomes, newcomer]) socket.destroy();
  const after = await until(async () => {
    const again = await Promise.all(Array.from({ length: 10 }, () => ask(gateway.proxyPort, head)));
    return again.every(({ said }) => said === "open") ? again : null;
  });
  for (const { socket } of after) socket.destroy();
});
