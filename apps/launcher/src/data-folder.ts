/**
 * The data folder: its sub-folders, its lock and its atomic files.
 *
 * One launcher at a time: the lock file holds the launcher's process id; a lock whose process is gone is taken over.
 * Everything is readable by the owner only. Limit: the disk must have 300 MB free.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, StartError } from "./start-error.ts";

const freeBytesMin = 300_000_000;
const lockTriesMax = 3;

export interface DataFolder {
  readonly dir: string;
  path(...parts: readonly string[]): string;
  /** Gives the lock back. */
  release(): void;
}

/** Makes the folder, checks the disk and takes the lock. Throws StartError. */
export function openDataFolder(dir: string): DataFolder {
  makeFolders(dir);
  const disk = statfsSync(dir);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < freeBytesMin) {
    throw new StartError(
      `The disk of ${dir} has ${Math.floor(freeBytes / 1e6)} MB free and Karvon needs ${freeBytesMin / 1e6} MB; free some space or set KARVON_DATA_DIR to another disk.`,
    );
  }
  const lock = join(dir, "launcher.lock");
  takeLock(lock, dir);
  return {
    dir,
    path: (...parts) => join(dir, ...parts),
    release: () => rmSync(lock, { force: true }),
  };
}

function makeFolders(dir: string): void {
  try {
    for (const name of ["", "keys", "logs", "demo", "mail"]) makeFolder(join(dir, name));
  } catch (cause) {
    throw new StartError(`The data folder ${dir} cannot be made; set KARVON_DATA_DIR to a folder that you may write to.`, { cause });
  }
}

/** Parents first. Node's own recursive mkdir never ends where the system says ENOENT to every try, as under /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function takeLock(lock: string, dir: string): void {
  for (let attempt = 1; attempt <= lockTriesMax; attempt += 1) {
    try {
      const file = openSync(lock, "wx", 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST")
        throw new StartError(`The data folder ${dir} is not writable; set KARVON_DATA_DIR to a folder that is.`, { cause });
      const owner = Number(readFileSync(lock, "utf8"));
      if (isLauncher(owner)) {
        throw new StartError(
          `Karvon already runs on ${dir} (process ${owner}); stop it first, or set KARVON_DATA_DIR and the ports to run a second one beside it.`,
        );
      }
      rmSync(lock, { force: true });
    }
  }
  throw new StartError(`The lock ${lock} changes hands all the time; another start is under way, wait for it.`);
}

/** Whether `pid` runs and, where the system tells, is a launcher: process ids are given again after a reboot. */
function isLauncher(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || /start\.mjs|launcher/.test(readFileSync(commandLine, "utf8"));
}

/** Writes beside the file and renames, so that a reader sees the old content or the new, never a part. */
export function writeFileAtomically(path: string, content: string): void {
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, content, { mode: 0o600 });
  renameSync(fresh, path);
}
