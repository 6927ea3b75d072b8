/**
 * OpenSSH's remote forwarding: `ssh -R PORT` dials out and the server offers SOCKS5, which is what a node and a gateway do.
 * Keys, configuration and the known host live in a folder of this run; nobody's own are read. Needs root, as sshd does.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemblePeer, type RunningPeer } from "./peer.ts";
import { findFreePort, startListening, startProcess, waitForPort } from "./processes.ts";

/** Debian's sshd wants it, whatever its configuration says. */
const privilegeFolder = "/run/sshd";

export function startOpenssh(program: string): Promise<RunningPeer> {
  return assemblePeer("openssh", async (folder, keep) => {
    const path = (name: string): string => join(folder, name);
    for (const name of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path(name)]);
    copyFileSync(path("user.pub"), path("authorized"));
    mkdirSync(privilegeFolder, { recursive: true });
    const port = await findFreePort();
    writeFileSync(path("sshd.conf"), serverSettings(port, path).join("\n"));
    const server = keep(await startListening({ argv: [program, "-D", "-e", "-f", path("sshd.conf")], place: "server" }, port));
    const socksPort = await findFreePort();
    const node = keep(startProcess({ argv: ["ssh", ...clientArguments(port, socksPort, path)], place: "rest" }));
    await waitForPort(socksPort, node);
    const entrance = { mode: "socks5", proxy: `127.0.0.1:${socksPort}` } as const;
    return {
      entrances: { tunnel: entrance, socks5: entrance },
      // Each connection is a child of the one that listens.
      accounts: { server: { pids: [server.pid], isFamily: true }, nodes: { pids: [node.pid] } },
    };
  });
}

function serverSettings(port: number, path: (name: string) => string): readonly string[] {
  return [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${path("host")}`,
    `AuthorizedKeysFile ${path("authorized")}`,
    `PidFile ${path("sshd.pid")}`,
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "AllowTcpForwarding yes",
    "",
  ];
}

function clientArguments(port: number, socksPort: number, path: (name: string) => string): readonly string[] {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ExitOnForwardFailure=yes", "LogLevel=ERROR"];
  const key = ["-i", path("user"), "-p", String(port)];
  const forward = ["-R", `127.0.0.1:${socksPort}`, "root@127.0.0.1"];
  return ["-F", "none", "-N", "-T", ...key, ...options.flatMap((option) => ["-o", option]), ...forward];
}
