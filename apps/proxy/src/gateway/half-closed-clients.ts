/**
 * Clients that have ended their side and wait for the rest of an answer: one that is gone meanwhile is noticed here.
 *
 * Behind the end of the data nothing is read from a socket any more, so the runtime learns of a reset only when it
 * writes, which may be never. An empty write puts nothing on the line and fails on a connection that was reset; the
 * socket then closes, and whoever serves it lets go. A client that closed in order cannot be told from one that waits:
 * its system answers the first byte with a reset.
 *
 * Limits: one look a second at each; as many sockets as there are client connections.
 */
import type { Socket } from "node:net";

const lookEveryMs = 1_000;
const nothing = Buffer.alloc(0);

export class HalfClosedClients {
  readonly #sockets = new Set<Socket>();
  /** One listener for all sockets. */
  readonly #onEnd: (this: Socket) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor() {
    const watch = (socket: Socket): void => this.#watch(socket);
    this.#onEnd = function onEnd() {
      watch(this);
    };
  }

  follow(socket: Socket): void {
    socket.on("end", this.#onEnd);
  }

  /** `inside` says when its client has ended; an empty write to it says nothing of `outside`, so that is looked at. */
  followTls(inside: Socket, outside: Socket): void {
    inside.on("end", () => this.#watch(outside));
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#sockets.clear();
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs);
  }

  #look(): void {
    for (const socket of this.#sockets) {
      if (socket.destroyed || socket.writableEnded) this.#sockets.delete(socket);
      // What waits to be written fails by itself.
      else if (socket.writableLength === 0) socket.write(nothing);
    }
    if (this.#sockets.size === 0) this.stop();
  }
}
