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
