/**
 * A fixed share of a core for a process: the system's CPU bandwidth control, version 1 or 2, where this user may use it.
 *
 * Source: https://docs.kernel.org/scheduler/sched-bwc.html. Slices have folders of their own, which go when they are given back.
 */
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folders = { two: "/sys/fs/cgroup", one: "/sys/fs/cgroup/cpu" } as const;
/** Short, so that a process that used its share up waits no longer than a request takes elsewhere; a share is at least 1 ms of it. */
const periodUs = 4_000;

type Version = keyof typeof folders;

function availableVersion(): Version | null {
  const version = existsSync(join(folders.two, "cgroup.controllers")) ? "two" : "one";
  try {
    accessSync(join(folders[version], "cgroup.procs"), constants.W_OK);
    return version;
  } catch {
    return null;
  }
}

/** Gives each process `percent` of a core, and says how to take that back; null where the system does not let us. */
export function sliceCpu(pids: readonly number[], percent: number): (() => void) | null {
  const version = availableVersion();
  if (version === null) return null;
  const root = folders[version];
  const slices = pids.map((pid) => ({ pid, folder: join(root, `karvon-bench-${pid}`) }));
  const quotaUs = Math.round((periodUs * percent) / 100);
  for (const { pid, folder } of slices) {
    mkdirSync(folder);
    if (version === "two") writeFileSync(join(folder, "cpu.max"), `${quotaUs} ${periodUs}`);
    else {
      writeFileSync(join(folder, "cpu.cfs_period_us"), String(periodUs));
      writeFileSync(join(folder, "cpu.cfs_quota_us"), String(quotaUs));
    }
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
  }
  return () => {
    for (const { pid, folder } of slices) {
      writeFileSync(join(root, "cgroup.procs"), String(pid));
      rmdirSync(folder);
    }
  };
}
