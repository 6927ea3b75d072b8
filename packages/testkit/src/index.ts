export { type CrashingPostgres, startCrashingPostgres } from "./crashing-postgres.ts";
export { createFakeClock, type FakeClock } from "./fake-clock.ts";
export { isFullTier, printFigure } from "./figure.ts";
export {
  openFixtures,
  type ClientFixture,
  type Fixtures,
  type NodeFixture,
  type OperatorFixture,
  type ProxyUserFixture,
} from "./fixtures.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { until, type UntilOptions } from "./until.ts";
export { type ClickMessage, type ClickReply, playClick, type PlayedClick } from "./payments/click.ts";
export { type PaymeReply, playPayme, type PlayedPayme } from "./payments/payme.ts";
export { type PlayedSession, type PlayedStripe, playStripe, refundEvent, sessionEvent } from "./payments/stripe.ts";
