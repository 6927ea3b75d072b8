/** 1 GB is 10^9 bytes, everywhere: prices, packs, limits, panels. */
export const bytesPerGb = 1_000_000_000n;
/** Micro-USD in one USD. */
export const microPerUsd = 1_000_000n;
/** Pico-USD in one micro-USD. */
export const picoPerMicro = 1_000_000n;
