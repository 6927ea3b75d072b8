/** Reusable buffers, kept by size. At most 4 MB of a size are kept; the rest is left to the collector. */
const keptBytesMax = 4 * 1_024 * 1_024;
const pools = new Map<number, Buffer[]>();

export function takeSlab(bytes: number): Buffer {
  return pools.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

export function giveSlab(slab: Buffer): void {
  const kept = pools.get(slab.length);
  if (kept === undefined) pools.set(slab.length, [slab]);
  else if ((kept.length + 1) * slab.length <= keptBytesMax) kept.push(slab);
}
