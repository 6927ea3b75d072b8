/**
 * Lets an accepted socket read through one buffer that it shares with all others, in reads of up to 128 KB.
 *
 * Node allocates 64 KB for every ordinary read and never reads more at once; its `onread` option does both better but exists
 * only for sockets that the program makes itself. So what the option would have set is set afterwards (docs/adr/0015): on a
 * probe this module sees once where the runtime keeps it. A runtime that keeps it elsewhere, and TLS, read as ever.
 *
 * Whoever is called has to copy before it returns. Limit: one buffer a process.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { TLSSocket } from "node:tls";

/** Half of it costs more CPU under uploads; twice as much saves nothing, and a paused stream holds more (docs/benchmarks.md, Uploads). */
const sharedReadBytes = 131_072;

/** Called on the socket with how many bytes stand at the start of `buffer`. False stops reading until `resume`. */
export type OnSharedRead = (this: Socket, bytes: number, buffer: Uint8Array) => boolean;

interface Slots {
  readonly buffer: symbol;
  readonly callback: symbol;
}

const shared = Buffer.allocUnsafeSlow(sharedReadBytes);
const slots = findSlots();

/** False when this socket cannot; then nothing has changed. Nothing may wait in a flowing socket; what waits in a paused one comes first. */
export function readShared(socket: Socket, onRead: OnSharedRead): boolean {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (slots === null || socket instanceof TLSSocket || !takesBuffer(handle)) return false;
  Reflect.set(socket, slots.buffer, shared);
  Reflect.set(socket, slots.callback, onRead);
  handle.useUserBuffer(shared);
  return true;
}

function takesBuffer(handle: unknown): handle is { useUserBuffer(buffer: Uint8Array): void } {
  return typeof handle === "object" && handle !== null && typeof Reflect.get(handle, "useUserBuffer") === "function";
}

function readOn(): boolean {
  return true;
}

/** Under which keys a socket keeps its option's two values. The constructor takes the option; its types do not list it. */
function findSlots(): Slots | null {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread: { buffer: shared, callback: readOn } };
  const probe = new Socket(options);
  const keys = Object.getOwnPropertySymbols(probe);
  const bufferKey = keys.find((key) => Reflect.get(probe, key) === shared);
  const callbackKey = keys.find((key) => Reflect.get(probe, key) === readOn);
  return bufferKey === undefined || callbackKey === undefined ? null : { buffer: bufferKey, callback: callbackKey };
}
