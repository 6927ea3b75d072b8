/**
 * Every client connection and what it counts as: one that is served, under its source's limits once its source is known,
 * or one that is only told why it is not. What is taken is given back when the connection closes, however it closes.
 */
import type { Refusal } from "@karvon/domain";
import type { Socket } from "node:net";
import type { Lane } from "../session/load-by-key.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { SourceLimits, SourceVisit } from "./source-limits.ts";

type Place = Lane | "served" | "told";

export class ClientPlaces {
  readonly #descriptors: DescriptorBudget;
  readonly #sources: SourceLimits;
  readonly #places = new Map<Socket, Place>();
  /** One function for all sockets: a held session pays for what it keeps. */
  readonly #onClosed: (this: Socket) => void;

  constructor(descriptors: DescriptorBudget, sources: SourceLimits) {
    this.#descriptors = descriptors;
    this.#sources = sources;
    const release = (socket: Socket): void => this.#release(socket);
    this.#onClosed = function onClosed(this: Socket): void {
      release(this);
    };
  }

  get size(): number {
    return this.#places.size;
  }

  /** False when the connection has closed meanwhile. */
  has(socket: Socket): boolean {
    return this.#places.has(socket);
  }

  sockets(): Iterable<Socket> {
    return this.#places.keys();
  }

  /** "none": there is no descriptor to hold it with. */
  take(socket: Socket): "served" | "told" | "none" {
    const descriptors = this.#descriptors;
    const isServed = descriptors.hasRoomForClient;
    if (!isServed && !descriptors.mayTell) return "none";
    if (isServed) descriptors.clients += 1;
    else descriptors.told += 1;
    const place = isServed ? "served" : "told";
    this.#places.set(socket, place);
    socket.on("close", this.#onClosed);
    return place;
  }

  /** A served connection says whose it is. A source over its limits is to be told so. */
  enter(socket: Socket, address: string): SourceVisit | Refusal {
    const visit = this.#sources.enter(address);
    if (visit.kind === "visit") this.#places.set(socket, visit.lane);
    return visit;
  }

  /** Whether there is room to tell a connection why it is not served; it holds no place of those that are from then on. */
  mayTell(socket: Socket): boolean {
    const descriptors = this.#descriptors;
    if (this.#places.get(socket) === "told") return true;
    if (!descriptors.mayTell) return false;
    descriptors.clients -= 1;
    descriptors.told += 1;
    this.#places.set(socket, "told");
    return true;
  }

  #release(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place === undefined) return;
    this.#places.delete(socket);
    if (place === "told") this.#descriptors.told -= 1;
    else this.#descriptors.clients -= 1;
    if (typeof place === "object") this.#sources.leave(place);
  }
}
