/**
 * From raw runs to the printed figures. Pure.
 *
 * A figure is the median over the repetitions of its work. Runs in which programs outside the measurement used more than
 * `quietPercentMax` of the machine are left out as long as an undisturbed one remains; `otherCpuPercent` says how
 * disturbed the kept ones were, so a reader can tell a quiet figure from a noisy one.
 */
import { figureList, type Definition } from "./figure-list.ts";
import { numberAt, type JsonObject } from "./json.ts";
import type { Machine } from "./machine.ts";
import { peers, type Peer } from "./peer-names.ts";

const quietPercentMax = 10;

export interface Run {
  readonly peer: Peer | "direct";
  readonly work: Definition["work"];
  readonly repetition: number;
  readonly at: string;
  readonly result: JsonObject;
}

export interface Figure {
  readonly figure: string;
  readonly unit: string;
  /** Of every peer that has the figure. */
  readonly values: Partial<Readonly<Record<Peer, number>>>;
  /** Karvon by each other peer. */
  readonly ratios: Partial<Readonly<Record<Peer, number>>>;
  readonly goal: { readonly text: string; readonly isMet: boolean | null } | null;
  readonly at: string;
  readonly machine: Machine & { readonly otherCpuPercent: Partial<Readonly<Record<Peer, number>>> };
}

/** In the order of the list, without figures that nobody measured. */
export function computeFigures(runs: readonly Run[], machine: Machine, at: string): readonly Figure[] {
  return figureList.flatMap((definition) => {
    const settled = peers.flatMap((peer) => {
      const value = settle(runs, definition, peer);
      return value === null ? [] : [{ peer, ...value }];
    });
    if (settled.length === 0) return [];
    const karvon = settled.find((one) => one.peer === "karvon");
    const { goal } = definition;
    const values: Figure["values"] = Object.fromEntries(settled.map(({ peer, value }) => [peer, round(value)]));
    return {
      figure: definition.figure,
      unit: definition.unit,
      values,
      ratios: karvon === undefined ? {} : ratiosOf(karvon.value, settled),
      goal: goal === undefined ? null : { text: goal.text, isMet: karvon === undefined ? null : goal.isMet(karvon.value, values) },
      at,
      machine: {
        ...machine,
        otherCpuPercent: Object.fromEntries(settled.flatMap(({ peer, otherCpuPercent: other }) => (other === null ? [] : [[peer, other]]))),
      },
    };
  });
}

function ratiosOf(karvon: number, settled: readonly { readonly peer: Peer; readonly value: number }[]): Figure["ratios"] {
  const others = settled.filter(({ peer, value }) => peer !== "karvon" && value !== 0);
  return Object.fromEntries(others.map(({ peer, value }) => [peer, round(karvon / value)]));
}

interface Settled {
  readonly value: number;
  readonly otherCpuPercent: number | null;
}

function settle(runs: readonly Run[], definition: Definition, peer: Peer): Settled | null {
  const measured = runs
    .filter((run) => run.peer === peer && run.work === definition.work)
    .flatMap((run) => {
      const value = definition.read(run.result);
      const other = definition.isTimed === false ? undefined : numberAt(run.result, ["otherCpuPercent"]);
      return value === undefined ? [] : [{ value, other: other ?? null }];
    });
  const quiet = measured.filter((one) => (one.other ?? 0) <= quietPercentMax);
  const kept = (quiet.length > 0 ? quiet : measured).toSorted((a, b) => a.value - b.value);
  const middle = median(kept.map((one) => one.value));
  if (middle === null) return null;
  const others = kept.flatMap((one) => (one.other === null ? [] : [one.other]));
  return { value: middle, otherCpuPercent: others.length === 0 ? null : Math.max(...others) };
}

function median(sorted: readonly number[]): number | null {
  const high = sorted[Math.floor(sorted.length / 2)];
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  return high === undefined || low === undefined ? null : (low + high) / 2;
}

/** Four significant digits: more would claim a precision that a shared machine does not have. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
