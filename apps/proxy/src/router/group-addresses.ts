/**
 * Who holds which exit address in which group, so that no two sessions of a group share one: found at once, however many
 * sessions the group has. Usually one session holds an address; several do when a node's address changed under one.
 *
 * Limits: one entry for each session name and each open connection that has lost its name: those of sticky-sessions.ts and
 * the ceilings of open sessions.
 */
export interface AddressHolder {
  readonly uniqKey: string | null;
  readonly exitAddress: string;
}

export interface GroupAddresses<H extends AddressHolder> {
  /** Nothing happens for a holder without a group. */
  hold(holder: H): void;
  release(holder: H): void;
  holders(uniqKey: string, exitAddress: string): readonly H[];
}

export function createGroupAddresses<H extends AddressHolder>(): GroupAddresses<H> {
  const byAddress = new Map<string, readonly H[]>();
  return {
    hold(holder) {
      if (holder.uniqKey === null) return;
      const key = holdKey(holder.uniqKey, holder.exitAddress);
      byAddress.set(key, [...(byAddress.get(key) ?? []), holder]);
    },
    release(holder) {
      if (holder.uniqKey === null) return;
      const key = holdKey(holder.uniqKey, holder.exitAddress);
      const left = (byAddress.get(key) ?? noHolders).filter((other) => other !== holder);
      if (left.length === 0) byAddress.delete(key);
      else byAddress.set(key, left);
    },
    holders: (uniqKey, exitAddress) => byAddress.get(holdKey(uniqKey, exitAddress)) ?? noHolders,
  };
}

const noHolders: readonly never[] = [];

/** Neither part holds a line break: they come from usernames and addresses. */
function holdKey(uniqKey: string, exitAddress: string): string {
  return `${uniqKey}\n${exitAddress}`;
}
