/**
 * Outbox: mail leaves after the answer, so that how long an answer takes says nothing about who has an account.
 *
 * Limits: 1,000 mails wait; three tries, 1 s and 5 s apart; on close 5 s to empty. A mail that is given up is
 * reported to `onFailure`. It is memory only: a mailed code lost in a crash is asked for again.
 */
import type { Mail, Mailer } from "./mailer.ts";

export interface Outbox {
  /** Takes a mail to be sent soon. False when 1,000 wait already. */
  post(mail: Mail): boolean;
  close(): Promise<void>;
}

export interface OutboxOptions {
  readonly mailer: Mailer;
  readonly onFailure: (cause: unknown) => void;
  readonly retryAfterMs?: readonly number[];
}

const waitingMax = 1_000;
const closeGraceMs = 5_000;

export function openOutbox(options: OutboxOptions): Outbox {
  const retryAfterMs = options.retryAfterMs ?? [1_000, 5_000];
  const waiting: Mail[] = [];
  const stop = new AbortController();
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    for (let mail = waiting.shift(); mail !== undefined; mail = waiting.shift()) await sendOne(mail);
    sending = null;
  }

  async function sendOne(mail: Mail): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await options.mailer.send(mail);
        return;
      } catch (cause) {
        const pauseMs = retryAfterMs[tries];
        if (pauseMs === undefined || stop.signal.aborted) {
          options.onFailure(cause);
          return;
        }
        await pause(pauseMs, stop.signal);
      }
    }
  }

  return {
    post(mail) {
      if (waiting.length >= waitingMax) return false;
      waiting.push(mail);
      sending ??= sendAll();
      return true;
    },
    async close() {
      stop.abort();
      if (sending !== null) await Promise.race([sending, pause(closeGraceMs, new AbortController().signal)]);
      await options.mailer.close();
    },
  };
}

/** Resolves after `ms` or when `signal` aborts, whichever is first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
