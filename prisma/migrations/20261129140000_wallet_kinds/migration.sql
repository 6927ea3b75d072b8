-- A new value of an enum can be used only after the transaction that added it: the rest of the wallet is the next migration.

-- AlterEnum
ALTER TYPE "LedgerAccountKind" ADD VALUE 'client_wallet';

-- AlterEnum
ALTER TYPE "LedgerTxKind" ADD VALUE 'wallet_lot';
