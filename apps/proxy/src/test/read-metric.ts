/** One figure of what /metrics says, its labels included in the name; NaN when it is not there. */
export function readMetric(metrics: string, name: string): number {
  const line = metrics.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
