/** Starts a peer when its program is there. Where it is not, says so in one line instead of failing. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { peerFacts, type Peer } from "./peer-names.ts";
import { startHaproxy, startHaproxyTls } from "./peer-haproxy.ts";
import { startOpenssh } from "./peer-openssh.ts";
import { startSquid } from "./peer-squid.ts";
import { startYamux } from "./peer-yamux.ts";
import { startProxyChain, type PeerStart, type RunningPeer } from "./peer.ts";

export type OtherPeer = Exclude<Peer, "karvon">;

interface Starter {
  /** Must be found for the peer to start. */
  readonly programs: readonly string[];
  readonly needsRoot?: true;
  readonly start: (program: string, options: PeerStart) => Promise<RunningPeer>;
}

const starters: Readonly<Record<OtherPeer, Starter>> = {
  "proxy-chain": { programs: [], start: () => startProxyChain() },
  haproxy: { programs: ["haproxy"], start: startHaproxy },
  "haproxy-tls": { programs: ["haproxy"], start: startHaproxyTls },
  squid: { programs: ["squid"], start: startSquid },
  openssh: { programs: ["sshd", "ssh", "ssh-keygen"], needsRoot: true, start: startOpenssh },
  yamux: { programs: ["go"], start: startYamux },
};

/** Servers live here, and not everybody has it in the path. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin"];

/** Null when the peer cannot be had; `say` then got the reason. */
export async function startOtherPeer(peer: OtherPeer, options: PeerStart, say: (line: string) => void): Promise<RunningPeer | null> {
  const { programs, needsRoot, start } = starters[peer];
  const found = programs.map((name) => findProgram(name));
  const missing = programs.filter((_, index) => found[index] === null);
  if (missing.length > 0) {
    say(`${peer} is left out: ${missing.join(", ")} not found (Debian: apt-get install ${peerFacts[peer].debianPackages ?? ""})`);
    return null;
  }
  if (needsRoot && process.getuid?.() !== 0) {
    say(`${peer} is left out: it needs root`);
    return null;
  }
  try {
    return await start(found[0] ?? "", options);
  } catch (cause) {
    say(`${peer} is left out: ${cause instanceof Error ? cause.message : String(cause)}`);
    return null;
  }
}

export function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...serverFolders];
  return folders.map((folder) => join(folder, name)).find((file) => isExecutable(file)) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
