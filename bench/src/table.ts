/** Figures as a Markdown table for docs/benchmarks.md. Pure. A figure measured while others used the machine bears `~`. */
import { isObject, numberAt, textAt, type JsonObject } from "./json.ts";
import { peers, type Figure, type Peer } from "./figures.ts";

const disturbedPercent = 10;

export function figuresTable(figures: readonly (Figure | JsonObject)[]): string {
  const rows = figures.filter(isObject).map((figure) => {
    const cells = peers.map((peer) => cell(figure, peer));
    const ratio = numberAt(figure, ["ratio"]);
    return `| ${textAt(figure, ["figure"]) ?? ""} | ${textAt(figure, ["unit"]) ?? ""} | ${cells.join(" | ")} | ${ratio === undefined ? "-" : ratio.toFixed(2)} |`;
  });
  return ["| figure | unit | Karvon | proxy-chain 3.0.1 | ratio |", "|---|---|---:|---:|---:|", ...rows].join("\n");
}

function cell(figure: JsonObject, peer: Peer): string {
  const value = numberAt(figure, [peer]);
  if (value === undefined) return "-";
  const isDisturbed = (numberAt(figure, ["machine", "otherCpuPercent", peer]) ?? 0) > disturbedPercent;
  const decimals = value >= 1_000 || Number.isInteger(value) ? 0 : value >= 100 ? 1 : 2;
  return `${isDisturbed ? "~" : ""}${value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}
