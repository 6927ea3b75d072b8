import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo, connect as connectTcp } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import selfsigned from "selfsigned";
import { afterAll, expect, test } from "vitest";
import { channelBinding } from "./messages.ts";

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

async function makeIdentity(): Promise<{ key: string; cert: string }> {
  const made = await selfsigned.generate([{ name: "commonName", value: "karvon" }], { keyType: "ec", curve: "P-256" });
  return { key: made.private, cert: made.cert };
}

/** A TLS server that hands out the binding of each connection it accepts. */
async function listenTls() {
  const bindings: Buffer[] = [];
  const server = createServer({ ...(await makeIdentity()), minVersion: "TLSv1.3" }, (socket) => {
    socket.on("error", () => undefined);
    bindings.push(channelBinding(socket));
    socket.end("done");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, bindings };
}

async function dialTls(port: number): Promise<{ socket: TLSSocket; binding: Buffer }> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1.3" });
  await once(socket, "secureConnect");
  const binding = channelBinding(socket);
  socket.resume();
  await once(socket, "close");
  return { socket, binding };
}

test("both ends of one connection know the same 32 bytes, and no other connection has them", async () => {
  const server = await listenTls();
  const first = await dialTls(server.port);
  const second = await dialTls(server.port);
  expect(first.binding).toHaveLength(32);
  expect(server.bindings).toEqual([first.binding, second.binding]);
  expect(first.binding.equals(second.binding)).toBe(false);
});

test("a relay of bytes keeps the binding; a man in the middle of TLS cannot", async () => {
  const server = await listenTls();
  const relay = createTcpServer((near) => {
    const far = connectTcp(server.port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far).pipe(near);
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  closers.push(() => relay.close());
  const relayed = await dialTls((relay.address() as AddressInfo).port);
  expect(server.bindings[0]).toEqual(relayed.binding);

  const middle = createServer({ ...(await makeIdentity()), minVersion: "TLSv1.3" }, (near) => {
    const far = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far).pipe(near);
  });
  middle.listen(0, "127.0.0.1");
  await once(middle, "listening");
  closers.push(() => middle.close());
  const attacked = await dialTls((middle.address() as AddressInfo).port);
  expect(server.bindings).toHaveLength(2);
  expect(server.bindings[1]).not.toEqual(attacked.binding);
});
