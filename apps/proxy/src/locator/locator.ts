/**
 * Finds places of addresses in a child process that lives only while it is asked.
 *
 * GeoIP data costs memory that the data plane does not need between two connecting nodes. The child is this program
 * started with another argument; it ends after 60 s without a question. An answer that does not come in time is "place
 * unknown", never an error: a node without a place still serves those who ask for none.
 *
 * Opening the data takes most of the child's first seconds, longer on a busy machine: its first answer may take 30 s,
 * so that nodes which dial while it starts are not left without a place for as long as their tunnel lives.
 *
 * Limits: one child; 5 s an answer, 30 s the first; 2,000 questions at once; 10,000 remembered places for an hour.
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
const firstAnswerTimeoutMs = 30_000;
const questionsMax = 2_000;
const placesMax = 10_000;
const placeFreshMs = 3_600_000;

export function createLocator(options: LocatorOptions): Locator {
  return new ChildLocator(options);
}

class ChildLocator implements Locator {
  readonly #options: LocatorOptions;
  readonly #places = new Map<string, { place: NodePlace; atMs: number }>();
  readonly #questions = new Map<number, (place: NodePlace | null) => void>();
  #child: ChildProcess | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #lastId = 0;
  #hasAnswered = false;
  #isClosed = false;

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  async locate(address: string): Promise<NodePlace> {
    const nowMs = this.#options.nowMs();
    const known = this.#places.get(address);
    if (known !== undefined && nowMs - known.atMs < placeFreshMs) return known.place;
    const place = await this.#ask(address);
    if (place === null) return unknownPlace;
    if (this.#places.size >= placesMax) this.#places.clear();
    this.#places.set(address, { place, atMs: nowMs });
    return place;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#stop();
  }

  #ask(address: string): Promise<NodePlace | null> {
    if (this.#isClosed || this.#questions.size >= questionsMax) return Promise.resolve(null);
    const child = (this.#child ??= this.#start());
    this.#restartIdleTimer();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const settle = (place: NodePlace | null): void => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(place);
      };
      const timer = setTimeout(() => settle(null), this.#hasAnswered ? answerTimeoutMs : firstAnswerTimeoutMs);
      this.#questions.set(id, settle);
      child.send({ id, address }, (cause) => {
        if (cause) settle(null);
      });
    });
  }

  #start(): ChildProcess {
    const { entry, args, log } = this.#options;
    this.#hasAnswered = false;
    const started = fork(entry, [...args], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    started.on("message", (message: unknown) => {
      if (!isAnswer(message)) return;
      this.#hasAnswered = true;
      this.#questions.get(message.id)?.(message.place);
    });
    started.on("error", (cause) => log.warn({ event: "locator.failed", cause }));
    started.once("exit", (exitCode) => {
      if (exitCode !== 0 && exitCode !== null) log.warn({ event: "locator.exited", exitCode });
      if (this.#child !== started) return;
      this.#child = null;
      for (const settle of Array.from(this.#questions.values())) settle(null);
    });
    // Neither the child nor its channel may keep the gateway from ending.
    started.unref();
    started.channel?.unref();
    return started;
  }

  #stop(): void {
    const stopped = this.#child;
    this.#child = null;
    if (stopped?.connected === true) stopped.disconnect();
  }

  #restartIdleTimer(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#stop(), this.#options.idleMs ?? idleMsDefault);
    this.#idleTimer.unref();
  }
}
