import { BenchError } from "./build-load.ts";
import type { RunningPeer } from "./peer.ts";

export interface RunningKarvon extends RunningPeer {
  readonly panelUrl: string;
  /** The Cookie header of the signed-in client. */
  readonly cookie: string;
}

export function startKarvon(_origin: string): Promise<RunningKarvon> {
  throw new BenchError("Karvon's programs are not built; run npm run build first.");
}
