/** How figures and foreign text look in a terminal. */

const steps = [
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
] as const;

/** 1 GB is 10^9 bytes: "12.3 MB", "980 B". */
export function formatBytes(bytes: number): string {
  const step = steps.find(([, size]) => bytes >= size);
  return step ? `${(bytes / step[1]).toFixed(bytes >= 100 * step[1] ? 0 : 1)} ${step[0]}` : `${bytes} B`;
}

export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    : `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Text from elsewhere must not move the cursor or recolour the terminal: only printable characters stay. */
export function plain(text: string, lengthMax = 120): string {
  const clean = text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "?");
  return clean.length > lengthMax ? `${clean.slice(0, lengthMax - 1)}…` : clean;
}
