import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readShared } from "./shared-reads.ts";

const open: { end(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.end();
});

/** Both ends of one TCP connection; nothing of it is read yet. */
async function pair(): Promise<{ accepted: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const client = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  open.push({
    end() {
      client.destroy();
      accepted.destroy();
      server.close();
    },
  });
  return { accepted, client };
}

/** Bytes that tell their place: no two neighbouring reads look alike. */
function pattern(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) made.writeUInt32LE((at * 2_654_435_761 + seed) >>> 0, at);
  return made;
}

/** Keeps a copy of everything that is read. */
function record(socket: Socket): { chunks: Buffer[]; ended: Promise<unknown>; isShared: boolean } {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  const isShared = readShared(socket, (bytes, buffer) => {
    chunks.push(Buffer.from(buffer.subarray(0, bytes)));
    return true;
  });
  const ended = once(socket, "end");
  return { chunks, ended, isShared };
}

describe("shared reads", () => {
  test("give two sockets' bytes whole and in order, in reads larger than the runtime's own", async () => {
    const pairs = [await pair(), await pair()];
    const sent = [pattern(4_000_000, 1), pattern(4_000_000, 7)];
    const records = pairs.map(({ accepted }) => record(accepted));
    pairs.forEach(({ client }, index) => client.end(sent[index] ?? ""));
    for (const { accepted } of pairs) accepted.resume();
    await Promise.all(records.map(({ ended }) => ended));
    records.forEach(({ chunks, isShared }, index) => {
      expect(isShared).toBe(true);
      expect(Buffer.concat(chunks).equals(sent[index] ?? Buffer.alloc(0))).toBe(true);
    });
    const largest = Math.max(...records.flatMap(({ chunks }) => chunks.map(({ length }) => length)));
    expect(largest).toBeGreaterThan(65_536);
  });

  test("come behind what the socket had read before", async () => {
    const { accepted, client } = await pair();
    accepted.read(0);
    client.write("first ");
    await vi.waitFor(() => expect(accepted.readableLength).toBe(6));
    const { chunks, ended } = record(accepted);
    client.end("second");
    accepted.resume();
    await ended;
    expect(Buffer.concat(chunks).toString()).toBe("first second");
  });

  test("stop when they are told to, hold nothing meanwhile, and go on where they stopped", async () => {
    const { accepted, client } = await pair();
    const sent = pattern(1_000_000, 3);
    const chunks: Buffer[] = [];
    readShared(accepted, (bytes, buffer) => {
      chunks.push(Buffer.from(buffer.subarray(0, bytes)));
      return false;
    });
    const ended = once(accepted, "end");
    client.end(sent);
    let reads = 0;
    while (Buffer.concat(chunks).length < sent.length) {
      accepted.resume();
      await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(reads));
      expect(chunks.length).toBe(reads + 1);
      expect(accepted.readableLength).toBe(0);
      reads += 1;
    }
    accepted.resume();
    await ended;
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });
});
