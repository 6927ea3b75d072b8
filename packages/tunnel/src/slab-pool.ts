/** Reusable write buffers, kept by size. At most 32 of a size are kept; the rest is left to the collector. */
const keptMax = 32;
const pools = new Map<number, Buffer[]>();

export function takeSlab(bytes: number): Buffer {
  return pools.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

export function giveSlab(slab: Buffer): void {
  const kept = pools.get(slab.length);
  if (kept === undefined) pools.set(slab.length, [slab]);
  else if (kept.length < keptMax) kept.push(slab);
}
