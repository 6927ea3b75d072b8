/** Injured bytes against a running gateway: many connections at a time, and what became of each. */
import type { FuzzFigure, Random } from "@karvon/wire/testing";
import { injure, type Injuries, makeRandom, splitRandomly } from "@karvon/wire/testing";
import type { Duplex } from "node:stream";
import { dial } from "./raw-client.ts";

export interface SocketFuzz {
  readonly parser: string;
  readonly seed: number;
  readonly injuries: Injuries;
  /** Whichever ends first. */
  readonly seconds: number;
  readonly inputsMax: number;
  readonly atOnce: number;
  /** One in so many senders does not end after its bytes, so that only a timeout can; 0 for none. */
  readonly silentOneIn: number;
  /** True when it was answered or closed in time. */
  readonly attack: (bytes: Buffer, random: Random, isSilent: boolean) => Promise<boolean>;
}

export interface SocketFuzzOutcome {
  readonly figure: Omit<FuzzFigure, "uncaught">;
  /** The first of the inputs that were neither answered nor closed. */
  readonly failures: readonly string[];
}

export const answeredWithinMs = 15_000;
const failuresMax = 5;

export async function fuzzSockets(options: SocketFuzz): Promise<SocketFuzzOutcome> {
  const random = makeRandom(options.seed);
  const failures: string[] = [];
  const endMs = performance.now() + options.seconds * 1_000;
  const rssBefore = process.memoryUsage.rss();
  let [inputs, crashes, slowestMs] = [0, 0, 0];
  async function worker(): Promise<void> {
    while (performance.now() < endMs && inputs < options.inputsMax) {
      inputs += 1;
      const bytes = injure(options.injuries, random);
      const isSilent = options.silentOneIn > 0 && random(options.silentOneIn) === 0;
      const startedMs = performance.now();
      const isInTime = await options.attack(bytes, random, isSilent);
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      if (isInTime) continue;
      crashes += 1;
      if (failures.length < failuresMax) failures.push(bytes.toString("base64").slice(0, 4_000));
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  const { parser, seed } = options;
  const rssGrowthMb = Math.round((process.memoryUsage.rss() - rssBefore) / 1e5) / 10;
  return {
    figure: { figure: "fuzz", parser, level: "socket", seed, inputs, crashes, slowestMs: Math.round(slowestMs), rssGrowthMb },
    failures,
  };
}

/** Sends the bytes in random parts and ends, unless silent. */
export async function attackPort(port: number, bytes: Buffer, random: Random, isSilent: boolean): Promise<boolean> {
  const socket = await dial(port);
  return attackSocket(socket, bytes, random, isSilent);
}

/** True when the other side answered or closed in time. The socket is destroyed then. */
export async function attackSocket(socket: Duplex, bytes: Buffer, random: Random, isSilent: boolean): Promise<boolean> {
  const over = isAnswered(socket);
  for (const part of splitRandomly(bytes, random)) {
    socket.write(part);
    if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (!isSilent) socket.end();
  const isInTime = await over;
  socket.destroy();
  return isInTime;
}

function isAnswered(socket: Duplex): Promise<boolean> {
  socket.resume();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), answeredWithinMs);
    for (const event of ["data", "end", "close"]) {
      socket.once(event, () => {
        clearTimeout(timer);
        resolve(true);
      });
    }
  });
}
