/**
 * Where answers to those wait who have spent their wrong passwords: each guess then costs a connection for seconds.
 *
 * Limits: 500 parked connections; beyond them there is no answer, only an end. A connection that its client ends or
 * closes leaves at once.
 */
import type { Socket } from "node:net";

export const tarpitParkedMax = 500;

export interface TarpitOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly parkedMax?: number;
  /** 0 up to and without 1. */
  readonly random: () => number;
}

export class Tarpit {
  parked = 0;
  readonly #options: TarpitOptions;

  constructor(options: TarpitOptions) {
    this.#options = options;
  }

  /** True when it is time to answer; false when the connection is to be closed, or was, without an answer. */
  hold(socket: Socket): Promise<boolean> {
    const { minMs, maxMs, parkedMax = tarpitParkedMax, random } = this.#options;
    if (this.parked >= parkedMax || socket.destroyed) return Promise.resolve(false);
    this.parked += 1;
    return new Promise((resolve) => {
      const settle = (isDue: boolean): void => {
        clearTimeout(timer);
        socket.off("close", onLeft);
        socket.off("end", onLeft);
        this.parked -= 1;
        resolve(isDue);
      };
      const onLeft = (): void => settle(false);
      const timer = setTimeout(() => settle(true), minMs + random() * (maxMs - minMs));
      socket.on("close", onLeft);
      socket.on("end", onLeft);
    });
  }
}
