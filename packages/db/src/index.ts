export { createPrisma, type PrismaOptions } from "./prisma.ts";
export { Prisma, PrismaClient } from "./generated/client.ts";
export type * from "./generated/client.ts";
export { MigrationError, ensurePartitions, migrate, type MigrateOutcome } from "./migrate.ts";
export { openStatements, type Statement, type Statements, type StatementsOptions } from "./statements.ts";
