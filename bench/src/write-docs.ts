/** Puts figures between the two markers of docs/benchmarks.md, so that the table there is always one that was printed. Pure. */
import { BenchError } from "./build-load.ts";
import type { JsonObject } from "./json.ts";
import { figuresTable, machineLine, peerNotes } from "./table.ts";

export const beginMarker = "<!-- figures: begin -->";
export const endMarker = "<!-- figures: end -->";

/** The document with everything between its markers replaced. Throws a BenchError when it has none. */
export function putTable(document: string, figures: readonly JsonObject[]): string {
  const begin = document.indexOf(beginMarker);
  const end = document.indexOf(endMarker);
  if (begin < 0 || end < begin) throw new BenchError(`The document has no ${beginMarker} ... ${endMarker}.`);
  if (figures.length === 0) throw new BenchError("The files hold no figures.");
  const runs = [...new Set(figures.map((figure) => machineLine([figure])))].map((line) => `- ${line}`);
  const parts = [...runs, "", peerNotes(figures), "", figuresTable(figures)];
  return `${document.slice(0, begin + beginMarker.length)}\n\n${parts.join("\n")}\n\n${document.slice(end)}`;
}
