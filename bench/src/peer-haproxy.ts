/**
 * HAProxy in TCP mode: how cheap copying can be. Alone it leads to the origin; with TLS a second HAProxy stands in the
 * node's place, and every session has a TLS connection of its own between the two.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "./make-certificate.ts";
import { assemblePeer, type PeerStart, type RunningPeer } from "./peer.ts";
import { findFreePort, startListening, type Place, type RunningProcess } from "./processes.ts";

/** Below the 20,000 descriptors that many systems give: HAProxy takes two a session. */
const connectionsMax = 9_950;

export function startHaproxy(program: string, { origin }: PeerStart): Promise<RunningPeer> {
  return assemblePeer("haproxy", async (folder, keep) => {
    const server = keep(await run(program, folder, "server", `server origin ${origin}`));
    return { entrances: { tunnel: { mode: "direct", target: server.address } }, accounts: { server: { pids: [server.pid] } } };
  });
}

export function startHaproxyTls(program: string, { origin }: PeerStart): Promise<RunningPeer> {
  return assemblePeer("haproxy-tls", async (folder, keep) => {
    const { key, cert } = await makeCertificate();
    const pem = join(folder, "both.pem");
    writeFileSync(pem, `${cert}\n${key}\n`, { mode: 0o600 });
    const node = keep(await run(program, folder, "rest", `server origin ${origin}`, ` ssl crt ${pem} ssl-min-ver TLSv1.3`));
    const server = keep(await run(program, folder, "server", `server node ${node.address} ssl verify none ssl-min-ver TLSv1.3`));
    return {
      entrances: { tunnel: { mode: "direct", target: server.address } },
      accounts: { server: { pids: [server.pid] }, nodes: { pids: [node.pid] } },
    };
  });
}

async function run(
  program: string,
  folder: string,
  place: Place,
  backend: string,
  bindOptions = "",
): Promise<RunningProcess & { readonly address: string }> {
  const port = await findFreePort();
  const file = join(folder, `${place}.cfg`);
  const lines = [
    "global",
    ` maxconn ${connectionsMax}`,
    " nbthread 1",
    "defaults",
    " mode tcp",
    ` maxconn ${connectionsMax}`,
    " timeout connect 10s",
    " timeout client 30m",
    " timeout server 30m",
    "listen through",
    ` bind 127.0.0.1:${port} backlog 4096${bindOptions}`,
    ` ${backend}`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const started = await startListening({ argv: [program, "-f", file, "-db"], place }, port);
  return { ...started, address: `127.0.0.1:${port}` };
}
