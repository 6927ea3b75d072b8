/**
 * `ready.json`: how other programs find the running platform. Written when everything serves, rewritten when a program
 * was started again, removed on stop. It holds the demo's own passwords and no other secret; its mode is 0600.
 */
import { rmSync } from "node:fs";
import { writeFileAtomically } from "./data-folder.ts";

export interface Login {
  readonly email: string;
  readonly password: string;
}

export interface ReadyFacts {
  readonly panelUrl: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly tunnel: { readonly host: string; readonly port: number };
  /** Answered by the first gateway process. */
  readonly opsUrl: string;
  /** Every gateway process with the ops port of its own. */
  readonly gateways: readonly { readonly pid: number; readonly opsUrl: string }[];
  /** Null when SMTP_URL sends the mail elsewhere. */
  readonly mailUrl: string | null;
  /** Null without the demo, as are the client, the operator and the proxy user. */
  readonly echoUrl: string | null;
  readonly logins: { readonly client: Login | null; readonly operator: Login | null; readonly admin: { readonly email: string } };
  readonly proxyUser: { readonly username: string; readonly password: string } | null;
  readonly pids: {
    readonly launcher: number;
    readonly web: number;
    /** The first of `gateways`. */
    readonly proxy: number;
    /** Null when DATABASE_URL names a server of somebody else. */
    readonly postgres: number | null;
    readonly demo: readonly number[];
  };
}

export function writeReadyFile(path: string, facts: ReadyFacts): void {
  writeFileAtomically(path, `${JSON.stringify(facts, null, 2)}\n`);
}

export function removeReadyFile(path: string): void {
  rmSync(path, { force: true });
}
