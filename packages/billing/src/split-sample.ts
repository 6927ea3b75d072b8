import type { SessionCounter, SessionFacts, UsageSample } from "./usage.ts";

/** Keeps one transaction near 0.2 s on a small machine. */
export const batchSessionsMax = 10_000;

/**
 * Cuts a snapshot into parts of at most `sessionsMax` counters. A session's facts travel in the part of its counter, or in
 * an earlier part when it has none, so that every part can be posted by itself.
 */
export function splitSample(sample: UsageSample, sessionsMax: number = batchSessionsMax): UsageSample[] {
  if (sample.counters.length === 0 && sample.opened.length === 0) return [];
  if (sample.counters.length <= sessionsMax && sample.opened.length <= sessionsMax) return [sample];
  const parts: { opened: SessionFacts[]; counters: SessionCounter[] }[] = [];
  const partOf = new Map<string, { opened: SessionFacts[] }>();
  for (let from = 0; from < sample.counters.length; from += sessionsMax) {
    const part = { opened: [], counters: sample.counters.slice(from, from + sessionsMax) };
    for (const { id } of part.counters) partOf.set(id, part);
    parts.push(part);
  }
  const uncounted: SessionFacts[] = [];
  for (const facts of sample.opened) (partOf.get(facts.id)?.opened ?? uncounted).push(facts);
  const bare: UsageSample[] = [];
  for (let from = 0; from < uncounted.length; from += sessionsMax)
    bare.push({ opened: uncounted.slice(from, from + sessionsMax), counters: [] });
  return [...bare, ...parts];
}
