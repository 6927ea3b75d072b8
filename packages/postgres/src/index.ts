export { PostgresStartError } from "./errors.ts";
export { isAlive } from "./is-alive.ts";
export { findPostgres, startPostgres, type RunningPostgres, type StartPostgresOptions } from "./start-postgres.ts";
