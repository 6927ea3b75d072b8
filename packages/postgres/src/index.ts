export { PostgresStartError } from "./errors.ts";
export { findPostgres, startPostgres, type RunningPostgres, type StartPostgresOptions } from "./start-postgres.ts";
