/**
 * The control plane's Prisma client over the `pg` driver. The data plane never loads it: its door is `@karvon/db/sql`.
 *
 * Limits: 10 connections unless told otherwise, 5 s to connect, 20 s a statement. Broken idle connections go to `onError`;
 * without that, PostgreSQL's restart would end the process.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";

const poolMaxDefault = 10;
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 20_000;

export interface PrismaOptions {
  readonly url: string;
  readonly poolMax?: number;
  readonly onError?: (cause: unknown) => void;
}

export function createPrisma(options: PrismaOptions): PrismaClient {
  const onError = (cause: unknown) => options.onError?.(cause);
  const pool = {
    connectionString: options.url,
    max: options.poolMax ?? poolMaxDefault,
    application_name: "karvon-panel",
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    keepAlive: true,
  };
  return new PrismaClient({ adapter: new PrismaPg(pool, { onPoolError: onError, onConnectionError: onError }) });
}
