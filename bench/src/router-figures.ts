/** Arithmetic on what the router's benchmark saw. Pure. */

/** The smallest value that at least `share` of the sorted values do not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/**
 * The chance that truly equal shares differ at least as much as these: Wilson and Hilferty's approximation of the
 * chi-square tail, good for many degrees of freedom.
 */
export function chiSquareP(counts: readonly number[], total: number): number {
  const expected = total / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degrees = counts.length - 1;
  const z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / Math.sqrt(2 / (9 * degrees));
  return z > 0 ? normalTail(z) : 1 - normalTail(-z);
}

/** The upper tail of the normal distribution from `z` ≥ 0 on (Abramowitz and Stegun, 7.1.26; error below 1e-7). */
function normalTail(z: number): number {
  const t = 1 / (1 + (0.327_591_1 * z) / Math.SQRT2);
  const poly = t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
  return (poly * Math.exp(-(z ** 2) / 2)) / 2;
}
