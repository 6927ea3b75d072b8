/**
 * Hears karvon_notify. Keeps one connection of its own; when it breaks, it dials again after 0.5 s, doubling to 10 s, and
 * then says `resync`, because notices sent meanwhile are lost. A connection that silently died is found within 20 s by a
 * question every 15 s. Nothing here is guaranteed delivery: the caller polls the control epoch as the net under it.
 */
import pg from "pg";
import type { Closable, ControlKind, ControlNotice } from "./types.ts";

const channel = "karvon_control";
const retryMsMin = 500;
const retryMsMax = 10_000;
const questionEveryMs = 15_000;
const answerTimeoutMs = 5_000;
const kinds: ReadonlySet<string> = new Set<ControlKind>(["client", "proxy_user", "node", "session", "block_rule"]);

export function listenForControl(url: string, onNotice: (notice: ControlNotice) => void, onError: (cause: unknown) => void): Closable {
  const stop = new AbortController();
  const loop = keepListening(url, onNotice, onError, stop.signal);
  return {
    async close() {
      stop.abort();
      await loop;
    },
  };
}

async function keepListening(
  url: string,
  onNotice: (notice: ControlNotice) => void,
  onError: (cause: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = retryMsMin;
  let isFirst = true;
  while (!signal.aborted) {
    const client = new pg.Client({
      connectionString: url,
      application_name: "karvon-control",
      connectionTimeoutMillis: answerTimeoutMs,
      query_timeout: answerTimeoutMs,
      keepAlive: true,
    });
    const broken = new AbortController();
    client.on("error", (cause) => broken.abort(cause));
    client.on("end", () => broken.abort(new Error("the LISTEN connection ended")));
    client.on("notification", ({ payload }) => {
      const notice = readNotice(payload ?? "");
      if (notice !== null) onNotice(notice);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      if (!isFirst) onNotice({ kind: "resync", id: "" });
      isFirst = false;
      retryMs = retryMsMin;
      await questionUntilBroken(client, broken.signal, signal);
    } catch (cause) {
      isFirst = false;
      if (!signal.aborted) onError(cause);
    } finally {
      await client.end().catch(() => undefined);
    }
    await pauseUnless(signal, retryMs);
    retryMs = Math.min(retryMs * 2, retryMsMax);
  }
}

/** Rejects when the connection breaks; resolves when `stop` says so. */
async function questionUntilBroken(client: pg.Client, broken: AbortSignal, stop: AbortSignal): Promise<void> {
  const either = AbortSignal.any([broken, stop]);
  while (!either.aborted) {
    await pauseUnless(either, questionEveryMs);
    if (!either.aborted) await client.query("SELECT 1");
  }
  if (!stop.aborted) throw broken.reason;
}

function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resume) => {
    if (signal.aborted) return resume();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resume();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

function isControlKind(kind: string): kind is ControlKind {
  return kinds.has(kind);
}

/** Null for a payload of another program on the same channel. */
function readNotice(payload: string): ControlNotice | null {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value !== "object" || value === null || !("kind" in value) || !("id" in value)) return null;
    const { kind, id } = value;
    return typeof kind === "string" && typeof id === "string" && isControlKind(kind) ? { kind, id } : null;
  } catch {
    return null;
  }
}
