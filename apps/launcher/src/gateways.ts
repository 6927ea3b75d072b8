/**
 * The gateway processes: how many there are, the sockets that they share, and their replacement one after the other.
 *
 * They are workers of node:cluster with SCHED_NONE: this process opens the client and tunnel ports once, each worker
 * listens on the same socket, and the system hands every connection to one of them. A successor gets the socket while
 * the one before still has it, so nothing that is dialled during a replacement is refused.
 *
 * Limits: 16 processes (settings); the first answers on the public ops port, all on a port of their own.
 */
import { createSwitchboard, type Seat } from "@karvon/switchboard";
import cluster from "node:cluster";
import type { ChildProcess, SendHandle } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Service, type ServiceOptions, startService } from "./service.ts";

export interface GatewaysOptions extends Omit<ServiceOptions, "spawn" | "askToRetire"> {
  readonly count: number;
  readonly module: string;
  readonly nodeArguments: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Answered by the first process. */
  readonly opsPort: number;
}

export interface RunningGateway {
  readonly pid: number;
  readonly opsPort: number;
}

export interface Gateways {
  list(): readonly RunningGateway[];
  /** Replaces the processes one after the other; each has left before the next is replaced. Rejects with StartError. */
  restart(): Promise<void>;
  stop(now?: boolean): Promise<void>;
}

export async function startGateways(options: GatewaysOptions): Promise<Gateways> {
  const linkFolder = mkdtempSync(join(tmpdir(), "karvon-links-"));
  const forge = createForge(options, linkFolder);
  const services: Service[] = [];
  try {
    const starting = Array.from({ length: options.count }, (_, slot) =>
      startService({
        ...options,
        name: slot === 0 ? options.name : `${options.name} ${slot + 1}`,
        spawn: () => forge.spawn(slot === 0 ? options.opsPort : null),
        askToRetire: (child) => forge.retire(child),
      }),
    );
    for (const outcome of await Promise.allSettled(starting)) {
      if (outcome.status === "fulfilled") services.push(outcome.value);
    }
    // Those that did start are stopped below.
    await Promise.all(starting);
  } catch (error) {
    await Promise.all(services.map((service) => service.stop()));
    rmSync(linkFolder, { recursive: true, force: true });
    throw error;
  }
  let restarting: Promise<void> = Promise.resolve();
  return {
    list: () => services.map(({ pid, facts }) => ({ pid, opsPort: Number(facts["opsPort"]) })),
    restart() {
      restarting = restarting
        .catch(() => undefined)
        .then(async () => {
          for (const service of services) await service.replace();
        });
      return restarting;
    },
    async stop(now) {
      await Promise.all(services.map((service) => service.stop(now)));
      rmSync(linkFolder, { recursive: true, force: true });
    },
  };
}

interface Forge {
  spawn(opsPort: number | null): ChildProcess;
  retire(child: ChildProcess): void;
}

/** Makes workers that sit at one switchboard. */
function createForge(options: GatewaysOptions, linkFolder: string): Forge {
  const switchboard = createSwitchboard({ linkFolder, linkSecret: randomBytes(32).toString("base64url") });
  const seats = new WeakMap<ChildProcess, Seat>();
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: options.module,
    args: [],
    execArgv: [...options.nodeArguments],
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return {
    spawn(opsPort) {
      const child = cluster.fork(options.environment).process;
      const seat = switchboard.join({
        opsPort,
        post(frame, handle, done) {
          if (child.connected) child.send(frame, isSendHandle(handle) ? handle : undefined, undefined, () => done());
          else done();
        },
        onStuck: () => void child.kill("SIGKILL"),
      });
      seats.set(child, seat);
      child.on("message", (message, handle) => seat.receive(message, handle));
      child.once("exit", () => seat.leave());
      return child;
    },
    retire: (child) => seats.get(child)?.retire(),
  };
}

/** What came over one channel can be sent over another. */
function isSendHandle(handle: unknown): handle is SendHandle {
  return typeof handle === "object" && handle !== null;
}
