/** Squid as a forward proxy without its cache, its log or its password check. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemblePeer, type RunningPeer } from "./peer.ts";
import { findFreePort, startListening } from "./processes.ts";

/** Squid keeps a table of this size from its start. */
const descriptors = 20_000;
/** It looks around before it listens. */
const startTimeoutMs = 30_000;

export function startSquid(program: string): Promise<RunningPeer> {
  return assemblePeer("squid", async (folder, keep) => {
    // Started by root it becomes its own user, who writes the log here.
    chmodSync(folder, 0o777);
    const port = await findFreePort();
    const file = join(folder, "squid.conf");
    writeFileSync(file, settings(folder, port).join("\n"));
    const server = keep(await startListening({ argv: [program, "-N", "-f", file], place: "server" }, port, startTimeoutMs));
    const through = { proxy: `127.0.0.1:${port}` };
    return {
      entrances: { tunnel: { mode: "connect", ...through }, absolute: { mode: "http", ...through } },
      accounts: { server: { pids: [server.pid] } },
    };
  });
}

function settings(folder: string, port: number): readonly string[] {
  return [
    `http_port 127.0.0.1:${port}`,
    "acl everyone src all",
    "http_access allow everyone",
    "cache deny all",
    "cache_mem 8 MB",
    "access_log none",
    `cache_log ${join(folder, "cache.log")}`,
    `pid_filename ${join(folder, "squid.pid")}`,
    `coredump_dir ${folder}`,
    `max_filedescriptors ${descriptors}`,
    "shutdown_lifetime 0 seconds",
    "client_lifetime 1 day",
    "read_timeout 30 minutes",
    "via off",
    "forwarded_for delete",
    "logfile_rotate 0",
    "pinger_enable off",
    "",
  ];
}
