/** A proxy user that may do everything, as the database tells it. */
export const accountFacts = {
  proxyUserId: "pxu",
  clientId: "cli",
  username: "user",
  secretHash: Buffer.alloc(32),
  isEnabled: true,
  isClientActive: true,
  isKycMissing: false,
  countries: [],
  allowedSources: [],
  allowedHosts: [],
  concurrencyMax: null,
  clientConcurrencyMax: 500,
  trafficLimitBytes: null,
  usedBytes: 0n,
  priceId: "prc",
  balanceBytes: 100n,
};
