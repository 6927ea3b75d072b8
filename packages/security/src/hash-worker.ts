/**
 * Hash worker: argon2id on a thread of its own, so that signing in never holds up whoever else is served.
 *
 * The thread starts with the first hash and stays; it keeps the process alive only while it works. When it dies, what
 * waits for it is rejected and the next hash starts another. One hash at a time; at most 64 wait, the next is refused
 * with TRIES_EXCEEDED instead of queueing for minutes.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { AppError } from "@karvon/domain";

const waitingMaxDefault = 64;

export type HashTask =
  | { readonly kind: "hash"; readonly secret: string; readonly salt: Uint8Array; readonly settings: HashSettings }
  | { readonly kind: "verify"; readonly secret: string; readonly phc: string };

export interface HashSettings {
  readonly memorySize: number;
  readonly iterations: number;
  readonly parallelism: number;
  readonly hashLength: number;
}

export interface HashWorker {
  /** The PHC string, or "yes" or "no". */
  run(task: HashTask): Promise<string>;
}

/** CommonJS, because a thread that is started from text has no other module system. */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const { argon2id, argon2Verify } = require(workerData.library);
async function work(task) {
  if (task.kind === "verify") return (await argon2Verify({ password: task.secret, hash: task.phc })) ? "yes" : "no";
  return argon2id({ ...task.settings, password: task.secret, salt: task.salt, outputType: "encoded" });
}
parentPort.on("message", ({ number, task }) => {
  work(task).then(
    (answer) => parentPort.postMessage({ number, answer }),
    (cause) => parentPort.postMessage({ number, failure: String(cause) }),
  );
});`;

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (cause: Error) => void;
}

interface Reply {
  readonly number: number;
  readonly answer?: string;
  readonly failure?: string;
}

export function createHashWorker(waitingMax = waitingMaxDefault): HashWorker {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let lastNumber = 0;

  function start(): Worker {
    const library = createRequire(import.meta.url).resolve("hash-wasm");
    const started = new Worker(program, { eval: true, workerData: { library } });
    started.on("message", ({ number, answer, failure }: Reply) => {
      const asker = waiting.get(number);
      waiting.delete(number);
      if (waiting.size === 0) started.unref();
      if (answer === undefined) asker?.reject(new Error(`argon2id failed: ${failure ?? "no answer"}`));
      else asker?.resolve(answer);
    });
    const lose = (cause: Error) => {
      if (worker !== started) return;
      worker = null;
      for (const asker of waiting.values()) asker.reject(cause);
      waiting.clear();
    };
    started.on("error", lose);
    started.on("exit", () => lose(new Error("the hashing thread ended")));
    return started;
  }

  return {
    run(task) {
      if (waiting.size >= waitingMax) {
        return Promise.reject(new AppError("TRIES_EXCEEDED", "Too many people sign in at this moment. Try again in a minute."));
      }
      worker ??= start();
      const running = worker;
      lastNumber += 1;
      const number = lastNumber;
      return new Promise((resolve, reject) => {
        waiting.set(number, { resolve, reject });
        running.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        running.postMessage({ number, task });
      });
    },
  };
}
