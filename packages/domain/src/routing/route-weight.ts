/** What a node is worth to a new session beside its load: its results, its score and its battery. Pure. */
import type { RoutableNode } from "./routable-node.ts";

export const neutralScoreMicros = 500_000;
export const lowBatteryPercent = 20;
/** A device that may switch off soon gets this share of what it would get. */
const lowBatteryFactor = 0.25;
const scoreFactorMin = 0.05;
/** On a node of this many streams one open stream weighs as much as one session given lately. */
const ordinaryStreams = 256;

/** Above 0; a node with twice the weight is to get twice the sessions. Relative: only comparing weights makes sense. */
export function routeWeight(node: RoutableNode, nowMs: number): number {
  const score = Math.max(scoreFactorMin, (node.scoreMicros ?? neutralScoreMicros) / neutralScoreMicros);
  const weight = node.quality.weightAt(nowMs) * score;
  return isNearlyEmpty(node) ? weight * lowBatteryFactor : weight;
}

/** What one more session costs on the node: its load relative to its capacity, and what it was given lately, by its weight. */
export function routeCost(node: RoutableNode, nowMs: number): number {
  return (1 + node.quality.givenLately(nowMs) + (node.openStreams * ordinaryStreams) / node.streamsMax) / routeWeight(node, nowMs);
}

function isNearlyEmpty(node: RoutableNode): boolean {
  return node.batteryPercent !== null && node.batteryPercent < lowBatteryPercent && node.isCharging !== true;
}
