/** What the descriptors of a process lead to, as Linux tells it under /proc. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const stateEstablished = "01";
const stateListening = "0A";

interface TcpSocket {
  /** As a descriptor's link names it: socket:[inode]. */
  readonly link: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: string;
}

export interface Descriptors {
  /** All but those of the database pool. */
  readonly own: number;
  /** The pool opens and closes connections by the load of the moment, within its bound. */
  readonly database: number;
  readonly listeners: number;
}

/** `databasePid` is whoever listens for the connections of the pool. */
export function countDescriptors(pid: number, databasePid: number): Descriptors {
  const sockets = new Map(readTcpSockets(pid).map((socket) => [socket.link, socket]));
  const held = readLinks(pid);
  const heldSockets = held.flatMap((link) => sockets.get(link) ?? []);
  const databaseLinks = new Set(readLinks(databasePid));
  const databasePorts = new Set(
    readTcpSockets(databasePid)
      .filter(({ link, state }) => state === stateListening && databaseLinks.has(link))
      .map(({ localPort }) => localPort),
  );
  const database = heldSockets.filter(({ state, remotePort }) => state === stateEstablished && databasePorts.has(remotePort)).length;
  return { own: held.length - database, database, listeners: heldSockets.filter(({ state }) => state === stateListening).length };
}

/** Every TCP socket of the process's network namespace. */
function readTcpSockets(pid: number): TcpSocket[] {
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .filter((line) => line !== "")
      .map((line) => {
        const [, local = "", remote = "", state = "", , , , , , inode] = line.trim().split(/\s+/);
        return { link: `socket:[${inode}]`, localPort: portOf(local), remotePort: portOf(remote), state };
      }),
  );
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}

/** A descriptor may be gone between the listing and the look; it counts all the same. */
function readLinks(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
}
