/** The running platform that every journey uses: what `npm start` wrote into its ready.json, and the target beside it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../..", import.meta.url));
/** One data folder for all runs keeps second runs fast; the run before is removed by the setup. */
export const dataDir = join(root, ".karvon-e2e");
/** Two people move money: the admin of the settings and, because the demo runs, the demo's. */
export const firstAdminEmail = "first-admin@journey.example";
export const secondAdminEmail = "admin@karvon.local";

export interface Ready {
  readonly panelUrl: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly tunnel: { readonly host: string; readonly port: number };
  readonly opsUrl: string;
  readonly mailUrl: string;
  readonly echoUrl: string;
  readonly logins: {
    readonly client: { readonly email: string; readonly password: string };
    readonly operator: { readonly email: string; readonly password: string };
    readonly admin: { readonly email: string };
  };
  readonly proxyUser: { readonly username: string; readonly password: string };
  readonly pids: {
    readonly launcher: number;
    readonly web: number;
    readonly proxy: number;
    readonly postgres: number;
    readonly demo: readonly number[];
  };
}

export function readReady(): Ready {
  return JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")) as Ready;
}

export interface OriginPorts {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly controlPort: number;
}
export const originFile = join(dataDir, "e2e-origin.json");

export function readOrigin(): OriginPorts {
  return JSON.parse(readFileSync(originFile, "utf8")) as OriginPorts;
}
