/**
 * Which demo node an incoming connection at the echo target came from: by the local port of the node's connection,
 * which the node tells before a byte passes. Limits: one entry a local port, so 65,536.
 */
export interface ExitPlace {
  readonly node: string;
  readonly type: "mobile" | "wifi" | "residential";
  readonly publicAddress: string;
  readonly country: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly asnName: string | null;
}

export interface Exits {
  setPlace(nodeId: string, place: ExitPlace): void;
  open(localPort: number, nodeId: string): void;
  /** Forgets the port if it is still this node's: the system may have given it to another connection by now. */
  close(localPort: number, nodeId: string): void;
  find(localPort: number): ExitPlace | null;
}

export function createExits(): Exits {
  const places = new Map<string, ExitPlace>();
  const ports = new Map<number, string>();
  return {
    setPlace: (nodeId, place) => void places.set(nodeId, place),
    open: (localPort, nodeId) => void ports.set(localPort, nodeId),
    close(localPort, nodeId) {
      if (ports.get(localPort) === nodeId) ports.delete(localPort);
    },
    find: (localPort) => places.get(ports.get(localPort) ?? "") ?? null,
  };
}
