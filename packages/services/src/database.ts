/**
 * The verbs' way into PostgreSQL, and the five SQL functions that only the database may run: the ledger, the audit
 * chain, the gateways' notice, reconciliation. Their arguments are checked by the functions themselves.
 */
import type { Prisma, PrismaClient } from "@karvon/db";

export type Database = PrismaClient;
export type DatabaseTransaction = Prisma.TransactionClient;
/** Either of the two, for reads that work in both. */
export type Reader = Database | DatabaseTransaction;
