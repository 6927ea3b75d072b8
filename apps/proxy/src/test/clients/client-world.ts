/** A gateway, a node that leads to the site of `client-origin.ts`, and a customer: what every real client is run against. */
import { newId } from "@karvon/domain";
import { expect } from "vitest";
import { type Login, openRig, type Rig } from "../rig.ts";
import { connectTarget } from "../test-node.ts";
import { type ClientOrigin, startClientOrigin } from "./client-origin.ts";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RealClient {
  readonly name: string;
  run(world: ClientWorld): Promise<void>;
}

export interface ClientWorld {
  readonly rig: Rig;
  readonly origin: ClientOrigin;
  readonly login: Login;
  readonly port: number;
  /** `scheme://user:password@127.0.0.1:port`. */
  proxy(scheme: string): string;
  /** `scheme://[::1]:port`: an address that is allowlisted, so that no password is asked. */
  openProxy(scheme: string): string;
  /** A temporary folder for programs that need files. */
  readonly folder: string;
  close(): Promise<void>;
}

/** The site by name, plain and over TLS: proxies see absolute-form requests for one and CONNECT for the other. */
export const bases = ["http://shop.example", "https://shop.example"] as const;

export async function openClientWorld(): Promise<ClientWorld> {
  const origin = await startClientOrigin();
  const rig = await openRig();
  const login = await rig.makeLogin({ bytes: 100_000_000_000n });
  await rig.fixtures.pool.query("INSERT INTO allowlist_entry (id, proxy_user_id, client_id, cidr) VALUES ($1, $2, $3, '::1/128')", [
    newId("alw"),
    login.proxyUserId,
    login.clientId,
  ]);
  await rig.addNode({
    onOpen(stream, target) {
      const place = origin.place(target);
      if (place === null) stream.reset("dns");
      else connectTarget(stream, place);
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "karvon-clients-"));
  const port = rig.proxy.proxyPort;
  return {
    rig,
    origin,
    login,
    port,
    folder,
    proxy: (scheme) => `${scheme}://${login.username}:${login.password}@127.0.0.1:${port}`,
    openProxy: (scheme) => `${scheme}://[::1]:${port}`,
    async close() {
      await rig.close();
      await origin.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The file went down and up unchanged: `output` has one line with both hashes for each of `count` addresses. */
export function expectCarried(world: ClientWorld, output: Buffer, count: number = bases.length): void {
  const lines = output.toString().trim().split("\n");
  const { fileSha256 } = world.origin;
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
    Array.from({ length: count }, () => ({ down: fileSha256, up: fileSha256 })),
  );
}
