/** What `npm start` writes into its data folder when everything serves, as far as the screenshots need it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Login {
  readonly email: string;
  readonly password: string;
}

export interface Ready {
  readonly panelUrl: string;
  readonly mailUrl: string;
  readonly echoUrl: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly proxyUser: { readonly username: string; readonly password: string };
  readonly logins: {
    readonly client: Login;
    readonly operator: Login;
    readonly admin: { readonly email: string };
  };
}

export function readReady(dataDir: string): Ready {
  return JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")) as Ready;
}
