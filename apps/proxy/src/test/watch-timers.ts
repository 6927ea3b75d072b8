/**
 * The timers that the gateway's own code has armed for one client and that are neither cleared nor over. Counting all timers
 * of the process would count the database pool's as well, which come and go as they like.
 */
import { createHook } from "node:async_hooks";

export interface TimerWatch {
  readonly live: number;
  stop(): void;
}

const ownCode = /\/proxy\/src\/(gateway|session)\//;
/** One for all clients, which ends by itself. */
const shared = /half-closed-clients/;

export function watchTimers(): TimerWatch {
  const live = new Set<number>();
  const hook = createHook({
    init(id, type) {
      if (type !== "Timeout") return;
      const stack = new Error("armed here").stack ?? "";
      if (ownCode.test(stack) && !shared.test(stack)) live.add(id);
    },
    destroy: (id) => void live.delete(id),
  }).enable();
  return {
    get live() {
      return live.size;
    },
    stop: () => void hook.disable(),
  };
}
