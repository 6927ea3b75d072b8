/**
 * The launcher's own switchboard with seats in one process, for tests. Frames pass as they do between processes: as
 * copies, later, and in order.
 */
import { createSwitchboard } from "@karvon/switchboard";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinSiblings, type Membership } from "../siblings/membership.ts";

export interface TestLauncher {
  /** A seat for one more gateway. `leave`: it is gone. */
  seat(): Promise<{ readonly membership: Membership; leave(): void }>;
  close(): void;
}

export function openTestLauncher(): TestLauncher {
  const linkFolder = mkdtempSync(join(tmpdir(), "karvon-family-"));
  const switchboard = createSwitchboard({ linkFolder, linkSecret: randomBytes(32).toString("base64url") });
  return {
    async seat() {
      let listener: (value: unknown, handle: unknown) => void = () => undefined;
      const seat = switchboard.join({
        opsPort: null,
        post: (frame, _handle, done) => {
          pass(frame, (copy) => {
            listener(copy, undefined);
            done();
          });
        },
        onStuck: () => undefined,
      });
      const membership = await joinSiblings({
        post: (frame) => pass(frame, (copy) => seat.receive(copy, undefined)),
        onMessage: (hear) => (listener = hear),
      });
      return { membership, leave: () => seat.leave() };
    },
    close: () => rmSync(linkFolder, { recursive: true, force: true }),
  };
}

function pass(frame: unknown, deliver: (copy: unknown) => void): void {
  const text = JSON.stringify(frame);
  setImmediate(() => deliver(JSON.parse(text)));
}
