/**
 * What the launcher and its gateway processes say to each other, beside `ready`: who is here, who leaves, and letters
 * between siblings, which the launcher passes on unread.
 *
 * Every frame is an object with `switchboard` set to its kind, so that it is told apart from whatever else passes over
 * the same channel. Readers check every field and answer null to anything else.
 */

/** What everybody knows of a gateway process. Ids grow with every start and are never used twice. */
export interface MemberFacts {
  readonly id: number;
  /** Its ports are open and it knows its siblings' nodes. */
  readonly isServing: boolean;
  /** It takes no new work and will end. */
  readonly isRetiring: boolean;
}

export interface Welcome {
  readonly switchboard: "welcome";
  readonly id: number;
  /** Names the gateway's identity file: the lowest number that no other living process has. */
  readonly seat: number;
  /** Where the public ops port is to be opened; null for a process that has none. */
  readonly opsPort: number | null;
  /** A folder that only this user may enter, for the sockets between siblings. */
  readonly linkFolder: string;
  /** What a sibling shows on such a socket, base64url of 32 bytes. */
  readonly linkSecret: string;
  readonly members: readonly MemberFacts[];
}

export type ToMember =
  | Welcome
  | { readonly switchboard: "member"; readonly member: MemberFacts }
  | { readonly switchboard: "left"; readonly id: number }
  | { readonly switchboard: "letter"; readonly from: number; readonly body: unknown }
  /** Leave in order: nodes first, then clients. A successor serves. */
  | { readonly switchboard: "retire" };

export type FromMember =
  | { readonly switchboard: "hello" }
  | { readonly switchboard: "serving" }
  | { readonly switchboard: "retiring" }
  /** `to` null: everybody else. */
  | { readonly switchboard: "letter"; readonly to: number | null; readonly body: unknown };

/**
 * The longest-living process that stays; without one, the longest-living of those that are left. Whether it serves already
 * does not matter: leading only ever passes to a process that came later, so nobody gets it back with an older memory.
 */
export function leaderOf(members: Iterable<MemberFacts>): number | null {
  let leader: MemberFacts | null = null;
  for (const member of members) {
    const isBefore = leader !== null && (member.isRetiring === leader.isRetiring ? member.id < leader.id : leader.isRetiring);
    if (leader === null || isBefore) leader = member;
  }
  return leader?.id ?? null;
}

export function readToMember(value: unknown): ToMember | null {
  const frame = fieldsOf(value);
  switch (frame?.["switchboard"]) {
    case "welcome":
      return readWelcome(frame);
    case "member": {
      const member = readMember(frame["member"]);
      return member === null ? null : { switchboard: "member", member };
    }
    case "left":
      return isWhole(frame["id"]) ? { switchboard: "left", id: frame["id"] } : null;
    case "letter":
      return isWhole(frame["from"]) ? { switchboard: "letter", from: frame["from"], body: frame["body"] } : null;
    case "retire":
      return { switchboard: "retire" };
    default:
      return null;
  }
}

export function readFromMember(value: unknown): FromMember | null {
  const frame = fieldsOf(value);
  const kind = frame?.["switchboard"];
  if (kind === "hello" || kind === "serving" || kind === "retiring") return { switchboard: kind };
  if (kind !== "letter") return null;
  const to = frame?.["to"];
  return to === null || isWhole(to) ? { switchboard: "letter", to, body: frame?.["body"] } : null;
}

function readWelcome(frame: Fields): Welcome | null {
  const { id, seat, opsPort, linkFolder, linkSecret, members } = frame;
  if (!isWhole(id) || !isWhole(seat) || !(opsPort === null || isWhole(opsPort))) return null;
  if (typeof linkFolder !== "string" || typeof linkSecret !== "string" || !Array.isArray(members)) return null;
  const known = members.map(readMember);
  if (known.includes(null)) return null;
  return { switchboard: "welcome", id, seat, opsPort, linkFolder, linkSecret, members: known.filter((member) => member !== null) };
}

function readMember(value: unknown): MemberFacts | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const { id, isServing, isRetiring } = fields;
  return isWhole(id) && typeof isServing === "boolean" && typeof isRetiring === "boolean" ? { id, isServing, isRetiring } : null;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
