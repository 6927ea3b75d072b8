/**
 * Several whole gateways that know each other, for tests: real sockets and links.
 *
 * Each gateway has client and tunnel ports of its own, so that a test says where a client or a node lands.
 */
import { openRig, type Rig, type RigOptions } from "./rig.ts";
import { openTestLauncher } from "./test-launcher.ts";

export interface Family {
  /** One more gateway, a successor of those that are there. */
  add(): Promise<Rig>;
  /** The gateway leaves in order while the others serve. */
  retire(rig: Rig): Promise<void>;
  close(): Promise<void>;
}

export async function openFamily(options: RigOptions = {}): Promise<Family> {
  const launcher = openTestLauncher();
  const members = new Map<Rig, () => void>();
  let eldest: Rig | null = null;

  async function end(rig: Rig): Promise<void> {
    await rig.close();
    members.get(rig)?.();
    members.delete(rig);
  }

  return {
    async add() {
      const { membership, leave } = await launcher.seat();
      const rig = await openRig({ ...options, membership, ...(eldest === null ? {} : { beside: eldest }) });
      eldest ??= rig;
      members.set(rig, leave);
      return rig;
    },
    async retire(rig) {
      await rig.proxy.retire();
      members.get(rig)?.();
    },
    async close() {
      // The eldest keeps the database.
      for (const rig of Array.from(members.keys()).toReversed()) await end(rig);
      launcher.close();
    },
  };
}
