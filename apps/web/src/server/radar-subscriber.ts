/**
 * Keeps one stream open to the ops port of every gateway that is registered, and feeds the radar hub.
 *
 * Limits: 20 gateways; the list is read every 5 s; 5 s to connect or between two ticks; after a failure 0.5 s, then
 * doubling to 10 s. A gateway that cannot be reached costs its own numbers and nothing else.
 */
import type { RadarTick } from "@karvon/services";
import type { Logger } from "@karvon/telemetry";
import { z } from "zod";
import { createEventReader } from "./event-stream.ts";
import type { RadarHub } from "./radar-feed.ts";

const gatewaysMax = 20;
const lookEveryMs = 5_000;
const silenceMsMax = 5_000;
const pauseMsMin = 500;
const pauseMsMax = 10_000;

export interface GatewayAddress {
  readonly id: string;
  readonly opsUrl: string;
}

export interface RadarSubscriberOptions {
  readonly hub: RadarHub;
  readonly serviceToken: string;
  readonly listGateways: (limit: number) => Promise<readonly GatewayAddress[]>;
  readonly log: Logger;
}

export interface RadarSubscriber {
  close(): Promise<void>;
}

const Counter = z.object({ id: z.string(), upBytes: z.number(), downBytes: z.number(), sessionsOpen: z.number() });
const Tick = z.object({
  atMs: z.number(),
  gatewayId: z.string(),
  sessionsOpen: z.number(),
  tunnels: z.number(),
  upBytes: z.number(),
  downBytes: z.number(),
  unflushedBytes: z.number(),
  flushLagMs: z.number(),
  refusals: z.record(z.string(), z.number()),
  clients: z.array(Counter),
  operators: z.array(Counter),
  nodes: z.array(Counter),
});

export function startRadarSubscriber(options: RadarSubscriberOptions): RadarSubscriber {
  const stop = new AbortController();
  const streams = new Map<string, { readonly end: AbortController; readonly done: Promise<void> }>();

  function open(gateway: GatewayAddress): void {
    const end = new AbortController();
    const done = followGateway(options, gateway, end.signal).finally(() => streams.delete(gateway.opsUrl));
    streams.set(gateway.opsUrl, { end, done });
  }

  async function look(): Promise<void> {
    const gateways = await options.listGateways(gatewaysMax);
    const wanted = new Map(gateways.map((gateway) => [gateway.opsUrl, gateway]));
    for (const [url, stream] of streams) if (!wanted.has(url)) stream.end.abort();
    for (const [url, gateway] of wanted) if (!streams.has(url)) open(gateway);
  }

  async function lookUntilStopped(): Promise<void> {
    while (!stop.signal.aborted) {
      await look().catch((cause: unknown) => options.log.warn({ event: "radar.gateways-unread", cause }));
      await pause(lookEveryMs, stop.signal);
    }
  }

  const looking = lookUntilStopped();
  return {
    async close() {
      stop.abort();
      await looking;
      for (const stream of streams.values()) stream.end.abort();
      await Promise.all([...streams.values()].map((stream) => stream.done));
    },
  };
}

async function followGateway(options: RadarSubscriberOptions, gateway: GatewayAddress, signal: AbortSignal): Promise<void> {
  let pauseMs = pauseMsMin;
  while (!signal.aborted) {
    try {
      await readStream(options, gateway, signal, () => (pauseMs = pauseMsMin));
    } catch (cause) {
      // Once an outage: a gateway that is gone for good must not fill the log.
      if (!signal.aborted && pauseMs === pauseMsMin)
        options.log.warn({ event: "radar.stream-lost", opsUrl: gateway.opsUrl, retryAfterMs: pauseMs, cause });
    }
    options.hub.disconnected(gateway.opsUrl);
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
}

/** Reads until the stream ends, fails or is silent for 5 s. */
async function readStream(
  options: RadarSubscriberOptions,
  gateway: GatewayAddress,
  signal: AbortSignal,
  onTick: () => void,
): Promise<void> {
  // Two ways to end, because Node 20's fetch forgets its abort signal once the answer's head is there and memory was
  // collected: before the head the signal counts, after it the body is cancelled by hand.
  const cut = new AbortController();
  let body: ReadableStreamDefaultReader<string> | null = null;
  const end = (): void => {
    cut.abort();
    body?.cancel().catch(() => undefined);
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const timer = setTimeout(end, silenceMsMax);
  try {
    const response = await fetch(new URL("/radar", gateway.opsUrl), {
      headers: { authorization: `Bearer ${options.serviceToken}`, accept: "text/event-stream" },
      signal: cut.signal,
      redirect: "error",
    });
    if (!response.ok || response.body === null) throw new Error(`the gateway answered ${response.status}`);
    options.hub.connected(gateway.opsUrl);
    const reader = createEventReader();
    body = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await body.read(); !part.done; part = await body.read()) {
      for (const { event, data } of reader.push(part.value)) {
        if (event !== "tick") continue;
        options.hub.accept(gateway.opsUrl, readTick(data));
        timer.refresh();
        onTick();
      }
    }
    throw new Error("the gateway ended the stream, or was silent for 5 s");
  } finally {
    end();
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

function readTick(data: string): RadarTick {
  return Tick.parse(JSON.parse(data));
}

/** Resolves after `ms` or when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
