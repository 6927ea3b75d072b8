/**
 * Finds places of addresses in a child process that lives only while it is asked.
 *
 * GeoIP data costs memory that the data plane does not need between two connecting nodes. The child is this program
 * started with another argument; it ends after 60 s without a question. An answer that does not come in time is "place
 * unknown", never an error: a node without a place still serves those who ask for none.
 *
 * Limits: one child; 5 s an answer; 2,000 questions at once; 10,000 remembered places for an hour.
 */
import type { Logger } from "@karvon/telemetry";
import { type ChildProcess, fork } from "node:child_process";
import { type NodePlace, unknownPlace } from "../tunnel/live-node.ts";
import { isAnswer } from "./locator-messages.ts";

export interface Locator {
  locate(address: string): Promise<NodePlace>;
  close(): void;
  readonly isRunning: boolean;
}

export interface LocatorOptions {
  /** The program and arguments of the child. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly log: Logger;
  readonly nowMs: () => number;
  /** 60,000 when left out; tests use less. */
  readonly idleMs?: number;
}

const idleMsDefault = 60_000;
const answerTimeoutMs = 5_000;
const questionsMax = 2_000;
const placesMax = 10_000;
const placeFreshMs = 3_600_000;

export function createLocator(options: LocatorOptions): Locator {
  const places = new Map<string, { place: NodePlace; atMs: number }>();
  const questions = new Map<number, (place: NodePlace | null) => void>();
  let child: ChildProcess | null = null;
  let idleTimer: NodeJS.Timeout | null = null;
  let lastId = 0;
  let isClosed = false;

  function start(): ChildProcess {
    const started = fork(options.entry, [...options.args], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    started.on("message", (message: unknown) => {
      if (isAnswer(message)) questions.get(message.id)?.(message.place);
    });
    started.on("error", (cause) => options.log.warn({ event: "locator.failed", cause }));
    started.once("exit", (exitCode) => {
      if (child === started) child = null;
      if (exitCode !== 0 && exitCode !== null) options.log.warn({ event: "locator.exited", exitCode });
      for (const settle of [...questions.values()]) settle(null);
    });
    // Neither the child nor its channel may keep the gateway from ending.
    started.unref();
    started.channel?.unref();
    return started;
  }

  function stop(): void {
    const stopped = child;
    child = null;
    if (stopped?.connected === true) stopped.disconnect();
  }

  function restartIdleTimer(): void {
    if (idleTimer !== null) clearTimeout(idleTimer);
    idleTimer = setTimeout(stop, options.idleMs ?? idleMsDefault);
    idleTimer.unref();
  }

  function ask(address: string): Promise<NodePlace | null> {
    if (isClosed || questions.size >= questionsMax) return Promise.resolve(null);
    child ??= start();
    const asked = child;
    restartIdleTimer();
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      const settle = (place: NodePlace | null): void => {
        clearTimeout(timer);
        questions.delete(id);
        resolve(place);
      };
      const timer = setTimeout(() => settle(null), answerTimeoutMs);
      questions.set(id, settle);
      asked.send({ id, address }, (cause) => {
        if (cause) settle(null);
      });
    });
  }

  return {
    async locate(address) {
      const known = places.get(address);
      if (known !== undefined && options.nowMs() - known.atMs < placeFreshMs) return known.place;
      const place = await ask(address);
      if (place === null) return unknownPlace;
      if (places.size >= placesMax) places.clear();
      places.set(address, { place, atMs: options.nowMs() });
      return place;
    },
    close() {
      isClosed = true;
      if (idleTimer !== null) clearTimeout(idleTimer);
      stop();
    },
    get isRunning() {
      return child !== null;
    },
  };
}
