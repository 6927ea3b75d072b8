/** Sessions and folders for tests of the journal. */
import type { SessionFacts } from "@karvon/billing";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const startMs = Date.UTC(2026, 0, 1);

export function factsOf(id: string): SessionFacts {
  const exit = { exitAddress: "203.0.113.7", exitCountry: "UZ", exitCity: "Tashkent", exitAsn: 8193, connectionType: "mobile" };
  const names = { clientId: "cli_1", proxyUserId: "pxu_1", operatorId: "opr_1", nodeId: "nod_1", priceId: "prc_1" };
  const rest = { clientAddress: "198.51.100.9", stickySession: null, tag: "täg", connectMs: 12, hasPassword: true, failedAttempts: 0 };
  return { id, openedAtMs: startMs, ...names, protocol: "connect", targetHost: "example.com", targetPort: 443, ...exit, ...rest };
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "karvon-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function readSegments(folder: string): Buffer[] {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}

/** Bytes of every session by its id. */
export function billed(replay: { readonly sample: { readonly counters: readonly { id: string; upBytes: number; downBytes: number }[] } }) {
  return Object.fromEntries(replay.sample.counters.map(({ id, upBytes, downBytes }) => [id, [upBytes, downBytes]]));
}
