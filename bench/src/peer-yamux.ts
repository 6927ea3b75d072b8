/** The Go yardstick of bench/peers/yamux: built once into bench/dist, from Debian's packages, without a download. */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BenchError } from "./build-load.ts";
import { numberAt } from "./json.ts";
import { makeCertificate } from "./make-certificate.ts";
import { announcedPort, assemblePeer, type PeerStart, type RunningPeer } from "./peer.ts";
import { startAnnounced } from "./processes.ts";

const sourceDir = join(import.meta.dirname, "..", "peers", "yamux");
/** Where Debian's packages put the sources of Go libraries. */
const debianGoPath = "/usr/share/gocode";
const compileTimeoutMs = 120_000;

export function startYamux(go: string, { buildDir }: PeerStart): Promise<RunningPeer> {
  return assemblePeer("yamux", async (folder, keep) => {
    const program = buildYamux(go, buildDir);
    const { key, cert } = await makeCertificate();
    const path = (name: string): string => join(folder, name);
    writeFileSync(path("key.pem"), key, { mode: 0o600 });
    writeFileSync(path("cert.pem"), cert);
    const server = keep(await startAnnounced({ argv: [program, "server", path("cert.pem"), path("key.pem")], place: "server" }));
    const tunnelPort = numberAt(server.announced, ["tunnelPort"]);
    const node = keep(await startAnnounced({ argv: [program, "device", `127.0.0.1:${tunnelPort}`], place: "rest" }));
    return {
      entrances: { tunnel: { mode: "connect", proxy: `127.0.0.1:${announcedPort(server.announced)}` } },
      accounts: { server: { pids: [server.pid] }, nodes: { pids: [node.pid] } },
    };
  });
}

function buildYamux(go: string, buildDir: string): string {
  const program = join(buildDir, "yamux");
  const newestMs = statSync(join(sourceDir, "main.go")).mtimeMs;
  if ((statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newestMs) return program;
  mkdirSync(buildDir, { recursive: true });
  const made = spawnSync(go, ["build", "-o", program, "."], {
    cwd: sourceDir,
    env: { ...process.env, GO111MODULE: "off", GOPATH: debianGoPath, GOCACHE: join(buildDir, "go-cache"), GOFLAGS: "" },
    encoding: "utf8",
    timeout: compileTimeoutMs,
  });
  if (made.status !== 0)
    throw new BenchError(`bench/peers/yamux did not compile: ${(made.stderr || String(made.error ?? "")).slice(0, 500)}`);
  return program;
}
