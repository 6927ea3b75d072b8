-- Who may be served and to what: asked of an account by an admin, and set for a proxy user by its client.

-- AlterTable
ALTER TABLE "client" ADD COLUMN     "countries" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "kyc_required" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "proxy_user" ADD COLUMN     "allowed_hosts" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "allowed_sources" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];
