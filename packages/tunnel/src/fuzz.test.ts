/** Injured frames against both ends of a tunnel, without a network. `npm run fuzz` runs it for as long as is wanted. */
import { encodeFrame, FrameReader } from "@karvon/wire";
import { fuzz, injure, nodeFrames, type Random, splitRandomly } from "@karvon/wire/testing";
import { expect, test } from "vitest";
import { createTunnel } from "./index.ts";
import { MemorySocket } from "./test/memory-socket.ts";
import type { Tunnel, TunnelEnd, TunnelStream } from "./types.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261);
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 1);

const nothing = (): void => undefined;
const unknownType = encodeFrame(99, 0);

/** What the owner of a tunnel was told, counted. */
interface Told {
  readonly tunnelEnds: TunnelEnd[];
  opens: number;
  opened: number;
  refused: number;
  streamEnds: number;
}

function openEnd(role: "gateway" | "node", socket: MemorySocket, told: Told): Tunnel {
  const tunnel = createTunnel({
    socket,
    role,
    onOpen(stream) {
      told.opens += 1;
      stream.onEnd(() => (told.streamEnds += 1));
      if (told.opens % 4 === 0) return stream.reset("refused");
      stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
      return use(stream, told.opens);
    },
    onControl: nothing,
    onGoAway: nothing,
    onClose: (end) => told.tunnelEnds.push(end),
  });
  if (role === "gateway") {
    for (let count = 0; count < 3; count += 1) {
      told.opens += 1;
      const stream = tunnel.open(
        { host: "shop.example", port: 443 },
        {
          onOpened: () => {
            told.opened += 1;
            use(stream, count);
          },
          onRefused: () => (told.refused += 1),
          onEnd: () => (told.streamEnds += 1),
        },
      );
    }
  }
  return tunnel;
}

/** A reader that takes everything, one that takes nothing, or none at all. */
function use(stream: TunnelStream, kind: number): void {
  if (kind % 3 === 2) return;
  const duplex = stream.toDuplex();
  duplex.on("error", nothing);
  if (kind % 3 === 0) duplex.resume();
}

/** Injured frames, one after the other, ended by one that no tunnel survives. */
function attack(role: "gateway" | "node", first: Buffer, random: Random): { told: Told; tunnel: Tunnel; socket: MemorySocket } {
  const socket = new MemorySocket();
  const told: Told = { tunnelEnds: [], opens: 0, opened: 0, refused: 0, streamEnds: 0 };
  const tunnel = openEnd(role, socket, told);
  const frames = [first, ...Array.from({ length: random(6) }, () => (random(2) === 0 ? injure(nodeFrames, random) : pickWhole(random)))];
  for (const part of splitRandomly(Buffer.concat(frames), random)) socket.emit("data", part);
  for (let count = 0; count < 3_000 && !tunnel.isClosed; count += 1) socket.emit("data", unknownType);
  return { told, tunnel, socket };
}

function pickWhole(random: Random): Buffer {
  return nodeFrames.corpus[random(nodeFrames.corpus.length)] ?? unknownType;
}

function complaintAbout(role: "gateway" | "node", { told, tunnel }: ReturnType<typeof attack>): string | null {
  if (!tunnel.isClosed) return "still open after what no tunnel survives";
  if (told.tunnelEnds.length !== 1) return `told of ${told.tunnelEnds.length} ends`;
  if (tunnel.openStreams !== 0) return `${tunnel.openStreams} streams left`;
  if (told.streamEnds !== told.opens) return `${told.opens} streams opened and ${told.streamEnds} ended`;
  const answered = told.opened + told.refused;
  return role === "gateway" && answered !== told.opens ? `${told.opens} streams asked for and ${answered} answers` : null;
}

/** Frames that a peer of this version would not take. */
function sentNonsense(socket: MemorySocket): string | null {
  const reader = new FrameReader({ dataStart: nothing, dataChunk: nothing, frame: nothing });
  for (const chunk of socket.written) reader.push(chunk);
  return reader.violation;
}

test.each(["gateway", "node"] as const)(
  `injured frames end a %s's tunnel once, with all its streams, and nothing else happens (seed ${seed})`,
  async (role) => {
    const sockets: MemorySocket[] = [];
    const outcome = await fuzz({
      parser: `tunnel-${role}`,
      seed,
      seconds,
      ...nodeFrames,
      judge(input, random) {
        const attacked = attack(role, input, random);
        // What was sent is complete when the event loop has turned; by now that of earlier inputs is.
        sockets.push(attacked.socket);
        const earlier = sockets.length > 256 ? sockets.shift() : undefined;
        return complaintAbout(role, attacked) ?? (earlier === undefined ? null : sentNonsense(earlier));
      },
    });
    process.stdout.write(`${JSON.stringify(outcome.figure)}\n`);
    expect(outcome.failures).toEqual([]);
    expect(outcome.figure.inputs).toBeGreaterThan(200);
  },
  seconds * 1_000 + 30_000,
);
