/** Figures as a Markdown table for docs/benchmarks.md. Pure. A figure measured while others used the machine bears `~`. */
import type { Figure } from "./figures.ts";
import { isObject, numberAt, textAt, valueAt, type JsonObject } from "./json.ts";
import { peerFacts, peers, type Peer } from "./peer-names.ts";

const disturbedPercent = 10;

/** Peers whose figures Karvon's goals compare with. */
const yardsticks = ["proxy-chain", "yamux"] as const satisfies readonly Peer[];

/** One column for each peer that has any of the figures. `by` a yardstick is Karvon's figure by that peer's. */
export function figuresTable(figures: readonly (Figure | JsonObject)[]): string {
  const rows = figures.filter(isObject);
  const columns = peers.filter((peer) => rows.some((figure) => numberAt(figure, ["values", peer]) !== undefined));
  const compared = columns.includes("karvon") ? yardsticks.filter((peer) => columns.includes(peer)) : [];
  const heads = ["figure", "unit", "goal", ...columns.map((peer) => peerFacts[peer].title), ...compared.map((peer) => `by ${peer}`)];
  const rules = ["---", "---", "---", ...heads.slice(3).map(() => "---:")];
  const lines = rows.map((figure) => {
    const cells = [
      textAt(figure, ["figure"]) ?? "",
      textAt(figure, ["unit"]) ?? "",
      goalCell(figure),
      ...columns.map((peer) => cell(figure, peer)),
      ...compared.map((peer) => numberAt(figure, ["ratios", peer])?.toFixed(2) ?? "-"),
    ];
    return line(cells);
  });
  return [line(heads), line(rules), ...lines].join("\n");
}

/** What each measured peer leaves out, so that nobody compares unlike things unwarned. */
export function peerNotes(figures: readonly (Figure | JsonObject)[]): string {
  const rows = figures.filter(isObject);
  const measured = peers.filter((peer) => rows.some((figure) => numberAt(figure, ["values", peer]) !== undefined));
  const lines = measured.map((peer) => line([peerFacts[peer].title, peerFacts[peer].what, peerFacts[peer].without]));
  return [line(["peer", "what it is here", "without"]), line(["---", "---", "---"]), ...lines].join("\n");
}

export function machineLine(figures: readonly (Figure | JsonObject)[]): string {
  const [first] = figures.filter(isObject);
  const at = (textAt(first, ["at"]) ?? "").slice(0, 10);
  const pinned = valueAt(first, ["machine", "isPinned"]) === true ? "server on a core of its own" : "no cores pinned";
  const count = numberAt(first, ["machine", "cores"]) ?? 0;
  const memory = Math.round(numberAt(first, ["machine", "memoryGb"]) ?? 0);
  const names = ["cpu", "os", "node"].map((name) => textAt(first, ["machine", name]) ?? "unknown");
  return `${at}: ${count} cores of ${names[0]}, ${memory} GB, ${names[1]}, Node ${names[2]}; ${pinned}.`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function goalCell(figure: JsonObject): string {
  const text = textAt(figure, ["goal", "text"]);
  if (text === undefined) return "";
  const isMet = valueAt(figure, ["goal", "isMet"]);
  return typeof isMet === "boolean" ? `${text} ${isMet ? "met" : "**missed**"}` : text;
}

function cell(figure: JsonObject, peer: Peer): string {
  const value = numberAt(figure, ["values", peer]);
  if (value === undefined) return "-";
  const isDisturbed = (numberAt(figure, ["machine", "otherCpuPercent", peer]) ?? 0) > disturbedPercent;
  const decimals = value >= 1_000 || Number.isInteger(value) ? 0 : value >= 100 ? 1 : 2;
  return `${isDisturbed ? "~" : ""}${value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}
