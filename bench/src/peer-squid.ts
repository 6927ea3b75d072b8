/** Squid as a forward proxy without its cache, its log or its password check. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePeerFolder, type RunningPeer } from "./peer.ts";
import { findFreePort, startListening } from "./processes.ts";

/** Squid keeps a table of this size from its start. */
const descriptors = 20_000;
/** It looks around before it listens. */
const startTimeoutMs = 30_000;

export async function startSquid(program: string): Promise<RunningPeer> {
  const folder = makePeerFolder("squid");
  // Started by root it becomes its own user, who writes the log here.
  chmodSync(folder.path, 0o777);
  const port = await findFreePort();
  const file = join(folder.path, "squid.conf");
  const lines = [
    `http_port 127.0.0.1:${port}`,
    "acl everyone src all",
    "http_access allow everyone",
    "cache deny all",
    "cache_mem 8 MB",
    "access_log none",
    `cache_log ${join(folder.path, "cache.log")}`,
    `pid_filename ${join(folder.path, "squid.pid")}`,
    `coredump_dir ${folder.path}`,
    `max_filedescriptors ${descriptors}`,
    "shutdown_lifetime 0 seconds",
    "client_lifetime 1 day",
    "read_timeout 30 minutes",
    "via off",
    "forwarded_for delete",
    "logfile_rotate 0",
    "pinger_enable off",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const server = await startListening({ argv: [program, "-N", "-f", file], place: "server" }, port, startTimeoutMs);
  const through = { proxy: `127.0.0.1:${port}` };
  return {
    peer: "squid",
    entrances: { tunnel: { mode: "connect", ...through }, absolute: { mode: "http", ...through } },
    accounts: { server: { pids: [server.pid] } },
    async close() {
      await server.close();
      folder.remove();
    },
  };
}
