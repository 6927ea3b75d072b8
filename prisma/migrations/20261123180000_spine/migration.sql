-- The tables of Karvon, as prisma/schema.prisma describes them, and what Prisma cannot say about them:
-- monthly partitions of the tables that grow with traffic, hash partitions of the ledger's entries, room on the pages of rows
-- that are updated all day. Checks and triggers come in the next migration, functions that move money in the one after.
--
-- Partitioned tables have no foreign keys to others on purpose: a flush of 10,000 sessions would look up 40,000 parents.

CREATE TYPE "Role" AS ENUM ('client', 'operator', 'admin');
CREATE TYPE "AccountStatus" AS ENUM ('active', 'suspended');
CREATE TYPE "OtpPurpose" AS ENUM ('admin_sign_in', 'verify_email');
CREATE TYPE "ProxyUserStatus" AS ENUM ('active', 'disabled');
CREATE TYPE "NodeStatus" AS ENUM ('active', 'paused', 'suspended', 'retired');
CREATE TYPE "TrustTier" AS ENUM ('attested', 'hardware', 'software');
CREATE TYPE "NetworkKind" AS ENUM ('wifi', 'cellular', 'ethernet', 'unknown');
CREATE TYPE "NodeState" AS ENUM ('serving', 'idle', 'limited', 'draining', 'offline');
CREATE TYPE "KeyAlgorithm" AS ENUM ('p256', 'ed25519');
CREATE TYPE "OrderStatus" AS ENUM ('pending', 'paid', 'cancelled', 'refunded');
CREATE TYPE "PaymentProvider" AS ENUM ('test', 'stripe', 'payme', 'click');
CREATE TYPE "PaymentStatus" AS ENUM ('pending', 'succeeded', 'failed', 'refunded');
CREATE TYPE "LedgerAccountKind" AS ENUM ('client_bytes', 'client_usd', 'operator_payable', 'revenue', 'bytes_issued', 'bytes_carried', 'payment_clearing', 'payout_clearing', 'overrun', 'write_off', 'promotion');
CREATE TYPE "LedgerAsset" AS ENUM ('BYTE', 'USD6');
CREATE TYPE "LedgerTxKind" AS ENUM ('usage', 'top_up', 'refund', 'payout', 'correction', 'grant_lost');
CREATE TYPE "PayoutStatus" AS ENUM ('requested', 'checked', 'sent', 'paid', 'failed');
CREATE TYPE "BlockRuleKind" AS ENUM ('host', 'cidr', 'port');
CREATE TYPE "AbuseReportStatus" AS ENUM ('received', 'investigating', 'resolved', 'rejected');

CREATE TABLE "user_account" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "role" "Role" NOT NULL,
    "status" "AccountStatus" NOT NULL DEFAULT 'active',
    "display_name" TEXT,
    "password_hash" TEXT,
    "email_verified_at" TIMESTAMPTZ(3),
    "totp_secret_sealed" BYTEA,
    "totp_last_step" BIGINT,
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_account_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "sign_in_session" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoke_reason" TEXT,
    "ip_address" TEXT,
    "user_agent" TEXT,

    CONSTRAINT "sign_in_session_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "otp_challenge" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "email" TEXT NOT NULL,
    "purpose" "OtpPurpose" NOT NULL,
    "code_hash" TEXT NOT NULL,
    "browser_hash" BYTEA,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "ip_address" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "consumed_at" TIMESTAMPTZ(3),

    CONSTRAINT "otp_challenge_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "client" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "status" "AccountStatus" NOT NULL DEFAULT 'active',
    "kyc_tier" INTEGER NOT NULL DEFAULT 0,
    "price_id" TEXT,
    "concurrency_max" INTEGER NOT NULL DEFAULT 500,
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "client_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "proxy_user" (
    "id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "label" TEXT,
    "secret_hash" BYTEA NOT NULL,
    "status" "ProxyUserStatus" NOT NULL DEFAULT 'active',
    "concurrency_max" INTEGER,
    "traffic_limit_bytes" BIGINT,
    "used_bytes" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disabled_at" TIMESTAMPTZ(3),

    CONSTRAINT "proxy_user_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 70);

CREATE TABLE "allowlist_entry" (
    "id" TEXT NOT NULL,
    "proxy_user_id" TEXT NOT NULL,
    "cidr" INET NOT NULL,
    "default_parameters" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "allowlist_entry_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "operator" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "status" "AccountStatus" NOT NULL DEFAULT 'active',
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operator_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "node" (
    "id" TEXT NOT NULL,
    "operator_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "status" "NodeStatus" NOT NULL DEFAULT 'active',
    "status_reason" TEXT,
    "platform" TEXT NOT NULL DEFAULT 'unknown',
    "model" TEXT NOT NULL DEFAULT 'unknown',
    "agent_version" TEXT NOT NULL DEFAULT 'unknown',
    "trust_tier" "TrustTier" NOT NULL DEFAULT 'software',
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "node_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "node_key" (
    "id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "algorithm" "KeyAlgorithm" NOT NULL,
    "public_key" BYTEA NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "session_seq" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "node_key_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 70);

CREATE TABLE "node_presence" (
    "node_id" TEXT NOT NULL,
    "gateway_id" TEXT,
    "state" "NodeState" NOT NULL DEFAULT 'offline',
    "state_reason" TEXT,
    "connected_at" TIMESTAMPTZ(3),
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "battery_percent" INTEGER,
    "is_charging" BOOLEAN,
    "network" "NetworkKind" NOT NULL DEFAULT 'unknown',
    "is_metered" BOOLEAN,
    "public_address" TEXT,
    "country" CHAR(2),
    "region" TEXT,
    "city" TEXT,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "asn" BIGINT,
    "asn_name" TEXT,
    "score" INTEGER,
    "rtt_ms" INTEGER,
    "open_streams" INTEGER NOT NULL DEFAULT 0,
    "day_bytes" BIGINT NOT NULL DEFAULT 0,
    "day_limit_bytes" BIGINT,

    CONSTRAINT "node_presence_pkey" PRIMARY KEY ("node_id")
) WITH (fillfactor = 50);

CREATE TABLE "enrolment_token" (
    "id" TEXT NOT NULL,
    "operator_id" TEXT NOT NULL,
    "label" TEXT,
    "token_hash" BYTEA NOT NULL,
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "used_by_node_id" TEXT,

    CONSTRAINT "enrolment_token_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "consent_receipt" (
    "id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "text_sha256" BYTEA NOT NULL,
    "accepted_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signature" BYTEA NOT NULL,
    "withdrawn_at" TIMESTAMPTZ(3),

    CONSTRAINT "consent_receipt_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "heartbeat" (
    "node_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "battery_percent" INTEGER,
    "is_charging" BOOLEAN,
    "network" "NetworkKind" NOT NULL DEFAULT 'unknown',
    "rtt_ms" INTEGER,
    "open_streams" INTEGER NOT NULL DEFAULT 0,
    "day_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "heartbeat_pkey" PRIMARY KEY ("node_id","at")
) PARTITION BY RANGE ("at");

CREATE TABLE "ip_assessment" (
    "id" TEXT NOT NULL,
    "address" INET NOT NULL,
    "node_id" TEXT,
    "country" CHAR(2),
    "region" TEXT,
    "city" TEXT,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "asn" BIGINT,
    "asn_name" TEXT,
    "connection_type" TEXT,
    "verdict" TEXT NOT NULL DEFAULT 'unrated',
    "score" INTEGER,
    "reasons" JSONB NOT NULL DEFAULT '[]',
    "data_version" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ip_assessment_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "price" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "pico_usd_per_byte" BIGINT NOT NULL,
    "operator_pico_usd_per_byte" BIGINT NOT NULL,
    "is_listed" BOOLEAN NOT NULL DEFAULT true,
    "valid_from" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "price_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "client_order" (
    "id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "price_id" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "amount_micro_usd" BIGINT NOT NULL,
    "status" "OrderStatus" NOT NULL DEFAULT 'pending',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "paid_at" TIMESTAMPTZ(3),

    CONSTRAINT "client_order_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "payment" (
    "id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "provider" "PaymentProvider" NOT NULL,
    "provider_ref" TEXT NOT NULL,
    "amount_micro_usd" BIGINT NOT NULL,
    "status" "PaymentStatus" NOT NULL,
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "payment_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "ledger_account" (
    "id" BIGSERIAL NOT NULL,
    "kind" "LedgerAccountKind" NOT NULL,
    "asset" "LedgerAsset" NOT NULL,
    "owner_id" TEXT NOT NULL,
    "shard" INTEGER NOT NULL DEFAULT 0,
    "posted" BIGINT NOT NULL DEFAULT 0,
    "reserved" BIGINT NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 0,
    "is_overdrawn" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_account_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 50);

CREATE TABLE "ledger_tx" (
    "id" BIGSERIAL NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "request_sha256" BYTEA,
    "kind" "LedgerTxKind" NOT NULL,
    "actor" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_tx_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "ledger_entry" (
    "account_id" BIGINT NOT NULL,
    "account_version" BIGINT NOT NULL,
    "tx_id" BIGINT NOT NULL,
    "asset" "LedgerAsset" NOT NULL,
    "amount" BIGINT NOT NULL,
    "balance_after" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_entry_pkey" PRIMARY KEY ("account_id","account_version")
) PARTITION BY HASH ("account_id");

CREATE TABLE "quota_grant" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "granted" BIGINT NOT NULL,
    "used" BIGINT NOT NULL DEFAULT 0,
    "state" TEXT NOT NULL DEFAULT 'open',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "quota_grant_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "payout" (
    "id" TEXT NOT NULL,
    "operator_id" TEXT NOT NULL,
    "amount_micro_usd" BIGINT NOT NULL,
    "method" TEXT NOT NULL,
    "status" "PayoutStatus" NOT NULL DEFAULT 'requested',
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "payout_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "reconcile_run" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "check" TEXT NOT NULL,
    "bad_count" INTEGER NOT NULL,
    "sample" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "reconcile_run_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "gateway" (
    "id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL DEFAULT 0,
    "ops_url" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "last_flush_at" TIMESTAMPTZ(3),
    "stopped_at" TIMESTAMPTZ(3),
    "last_hash" BYTEA,

    CONSTRAINT "gateway_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 50);

CREATE TABLE "usage_batch" (
    "gateway_id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL,
    "sampled_at" TIMESTAMPTZ(3) NOT NULL,
    "committed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "session_count" INTEGER NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "tx_id" BIGINT,
    "payload_sha256" BYTEA,
    "previous_hash" BYTEA,
    "hash" BYTEA,

    CONSTRAINT "usage_batch_pkey" PRIMARY KEY ("gateway_id","epoch","seq")
);

CREATE TABLE "proxy_session" (
    "id" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "client_id" TEXT NOT NULL,
    "proxy_user_id" TEXT NOT NULL,
    "operator_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "price_id" TEXT NOT NULL,
    "protocol" TEXT NOT NULL,
    "target_host" TEXT NOT NULL,
    "target_port" INTEGER NOT NULL,
    "client_address" TEXT,
    "exit_address" TEXT,
    "exit_country" CHAR(2),
    "exit_city" TEXT,
    "exit_asn" BIGINT,
    "connection_type" TEXT,
    "sticky_session" TEXT,
    "tag" TEXT,
    "connect_ms" INTEGER,
    "up_bytes" BIGINT NOT NULL DEFAULT 0,
    "down_bytes" BIGINT NOT NULL DEFAULT 0,
    "due_micro_usd" BIGINT NOT NULL DEFAULT 0,
    "earned_micro_usd" BIGINT NOT NULL DEFAULT 0,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),
    "close_reason" TEXT,

    CONSTRAINT "proxy_session_pkey" PRIMARY KEY ("id","opened_at")
) PARTITION BY RANGE ("opened_at");

CREATE TABLE "proxy_refusal" (
    "id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "client_id" TEXT,
    "proxy_user_id" TEXT,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "protocol" TEXT NOT NULL,
    "target_host" TEXT,
    "target_port" INTEGER,
    "client_address" TEXT,

    CONSTRAINT "proxy_refusal_pkey" PRIMARY KEY ("id","at")
) PARTITION BY RANGE ("at");

CREATE TABLE "usage_hour" (
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "proxy_user_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "operator_id" TEXT NOT NULL,
    "up_bytes" BIGINT NOT NULL DEFAULT 0,
    "down_bytes" BIGINT NOT NULL DEFAULT 0,
    "due_micro_usd" BIGINT NOT NULL DEFAULT 0,
    "earned_micro_usd" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "usage_hour_pkey" PRIMARY KEY ("hour","proxy_user_id","node_id")
) PARTITION BY RANGE ("hour");

CREATE TABLE "control_epoch" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "epoch" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "control_epoch_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 50);

CREATE TABLE "block_rule" (
    "id" TEXT NOT NULL,
    "kind" "BlockRuleKind" NOT NULL,
    "pattern" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "block_rule_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "abuse_report" (
    "id" TEXT NOT NULL,
    "reporter" TEXT NOT NULL,
    "exit_address" TEXT,
    "target" TEXT,
    "occurred_at" TIMESTAMPTZ(3),
    "description" TEXT NOT NULL,
    "status" "AbuseReportStatus" NOT NULL DEFAULT 'received',
    "session_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(3),

    CONSTRAINT "abuse_report_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "audit_log" (
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor_id" TEXT NOT NULL,
    "actor_role" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject_id" TEXT,
    "reason" TEXT,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "ip_address" TEXT,
    "previous_hash" BYTEA NOT NULL DEFAULT '\x',
    "hash" BYTEA NOT NULL DEFAULT '\x',

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("seq")
);
CREATE UNIQUE INDEX "user_account_email_key" ON "user_account"("email");
CREATE INDEX "sign_in_session_user_id_created_at_idx" ON "sign_in_session"("user_id", "created_at" DESC);
CREATE INDEX "otp_challenge_email_created_at_idx" ON "otp_challenge"("email", "created_at" DESC);
CREATE INDEX "otp_challenge_ip_address_created_at_idx" ON "otp_challenge"("ip_address", "created_at" DESC);
CREATE UNIQUE INDEX "client_user_id_key" ON "client"("user_id");
CREATE UNIQUE INDEX "proxy_user_username_key" ON "proxy_user"("username");
CREATE INDEX "proxy_user_client_id_idx" ON "proxy_user"("client_id");
CREATE INDEX "allowlist_entry_cidr_idx" ON "allowlist_entry" USING GIST ("cidr" inet_ops);
CREATE UNIQUE INDEX "allowlist_entry_proxy_user_id_cidr_key" ON "allowlist_entry"("proxy_user_id", "cidr");
CREATE UNIQUE INDEX "operator_user_id_key" ON "operator"("user_id");
CREATE INDEX "node_operator_id_created_at_idx" ON "node"("operator_id", "created_at" DESC);
CREATE UNIQUE INDEX "node_key_fingerprint_key" ON "node_key"("fingerprint");
CREATE INDEX "node_key_node_id_idx" ON "node_key"("node_id");
CREATE INDEX "node_presence_gateway_id_idx" ON "node_presence"("gateway_id");
CREATE UNIQUE INDEX "enrolment_token_token_hash_key" ON "enrolment_token"("token_hash");
CREATE INDEX "enrolment_token_operator_id_created_at_idx" ON "enrolment_token"("operator_id", "created_at" DESC);
CREATE INDEX "consent_receipt_node_id_accepted_at_idx" ON "consent_receipt"("node_id", "accepted_at" DESC);
CREATE INDEX "ip_assessment_address_at_idx" ON "ip_assessment"("address", "at" DESC);
CREATE INDEX "ip_assessment_node_id_at_idx" ON "ip_assessment"("node_id", "at" DESC);
CREATE INDEX "client_order_client_id_created_at_idx" ON "client_order"("client_id", "created_at" DESC);
CREATE UNIQUE INDEX "client_order_client_id_idempotency_key_key" ON "client_order"("client_id", "idempotency_key");
CREATE INDEX "payment_order_id_idx" ON "payment"("order_id");
CREATE UNIQUE INDEX "payment_provider_provider_ref_key" ON "payment"("provider", "provider_ref");
CREATE UNIQUE INDEX "ledger_account_kind_owner_id_shard_key" ON "ledger_account"("kind", "owner_id", "shard");
CREATE UNIQUE INDEX "ledger_tx_idempotency_key_key" ON "ledger_tx"("idempotency_key");
CREATE INDEX "ledger_entry_tx_id_idx" ON "ledger_entry"("tx_id");
CREATE INDEX "quota_grant_account_id_idx" ON "quota_grant"("account_id");
CREATE INDEX "payout_operator_id_created_at_idx" ON "payout"("operator_id", "created_at" DESC);
CREATE INDEX "reconcile_run_at_idx" ON "reconcile_run"("at" DESC);
CREATE INDEX "proxy_session_client_id_opened_at_idx" ON "proxy_session"("client_id", "opened_at" DESC);
CREATE INDEX "proxy_session_operator_id_opened_at_idx" ON "proxy_session"("operator_id", "opened_at" DESC);
CREATE INDEX "proxy_session_node_id_opened_at_idx" ON "proxy_session"("node_id", "opened_at" DESC);
CREATE INDEX "proxy_session_opened_at_idx" ON "proxy_session"("opened_at" DESC);
CREATE INDEX "proxy_refusal_client_id_at_idx" ON "proxy_refusal"("client_id", "at" DESC);
CREATE INDEX "proxy_refusal_at_idx" ON "proxy_refusal"("at" DESC);
CREATE INDEX "usage_hour_client_id_hour_idx" ON "usage_hour"("client_id", "hour");
CREATE INDEX "usage_hour_operator_id_hour_idx" ON "usage_hour"("operator_id", "hour");
CREATE INDEX "abuse_report_status_created_at_idx" ON "abuse_report"("status", "created_at" DESC);
CREATE INDEX "audit_log_at_idx" ON "audit_log"("at" DESC);
CREATE INDEX "audit_log_subject_id_at_idx" ON "audit_log"("subject_id", "at" DESC);
ALTER TABLE "sign_in_session" ADD CONSTRAINT "sign_in_session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "otp_challenge" ADD CONSTRAINT "otp_challenge_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "client" ADD CONSTRAINT "client_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "client" ADD CONSTRAINT "client_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "price"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "proxy_user" ADD CONSTRAINT "proxy_user_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "allowlist_entry" ADD CONSTRAINT "allowlist_entry_proxy_user_id_fkey" FOREIGN KEY ("proxy_user_id") REFERENCES "proxy_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "operator" ADD CONSTRAINT "operator_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "node" ADD CONSTRAINT "node_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operator"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "node_key" ADD CONSTRAINT "node_key_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "node"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "node_presence" ADD CONSTRAINT "node_presence_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "node"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "enrolment_token" ADD CONSTRAINT "enrolment_token_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operator"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "enrolment_token" ADD CONSTRAINT "enrolment_token_used_by_node_id_fkey" FOREIGN KEY ("used_by_node_id") REFERENCES "node"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "consent_receipt" ADD CONSTRAINT "consent_receipt_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "node"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "client_order" ADD CONSTRAINT "client_order_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "client_order" ADD CONSTRAINT "client_order_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "price"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "payment" ADD CONSTRAINT "payment_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "client_order"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ledger_entry" ADD CONSTRAINT "ledger_entry_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "ledger_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ledger_entry" ADD CONSTRAINT "ledger_entry_tx_id_fkey" FOREIGN KEY ("tx_id") REFERENCES "ledger_tx"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "quota_grant" ADD CONSTRAINT "quota_grant_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "ledger_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "quota_grant" ADD CONSTRAINT "quota_grant_gateway_id_fkey" FOREIGN KEY ("gateway_id") REFERENCES "gateway"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "payout" ADD CONSTRAINT "payout_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operator"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "usage_batch" ADD CONSTRAINT "usage_batch_gateway_id_fkey" FOREIGN KEY ("gateway_id") REFERENCES "gateway"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "usage_batch" ADD CONSTRAINT "usage_batch_tx_id_fkey" FOREIGN KEY ("tx_id") REFERENCES "ledger_tx"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Partitions ---------------------------------------------------------------------------------------------------------

-- Eight parts by account: (account, version) stays unique in each, and one part's indexes fit in memory.
CREATE TABLE "ledger_entry_p0" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE "ledger_entry_p1" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE "ledger_entry_p2" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE "ledger_entry_p3" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE "ledger_entry_p4" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE "ledger_entry_p5" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE "ledger_entry_p6" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE "ledger_entry_p7" PARTITION OF "ledger_entry" FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- The net under the months: a row with a strange time is stored, never refused.
CREATE TABLE "heartbeat_default" PARTITION OF "heartbeat" DEFAULT;
CREATE TABLE "proxy_refusal_default" PARTITION OF "proxy_refusal" DEFAULT;
CREATE TABLE "proxy_session_default" PARTITION OF "proxy_session" DEFAULT WITH (fillfactor = 70);
CREATE TABLE "usage_hour_default" PARTITION OF "usage_hour" DEFAULT WITH (fillfactor = 70);

-- Only sessions that are open now: lists of them, and closing what a crashed gateway left behind.
CREATE INDEX "proxy_session_open_idx" ON "proxy_session" ("gateway_id", "opened_at" DESC) WHERE "closed_at" IS NULL;

-- Makes the partitions of this month and `months_ahead` after it, and answers how many it made. Safe to call at any time
-- and from several processes. Rows of such a month that already lie in the default partition move over.
CREATE FUNCTION karvon_ensure_partitions(months_ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '5s' SET timezone = 'UTC' AS $$
DECLARE
  parent record;
  first_month timestamptz;
  part text;
  storage text;
  made integer := 0;
BEGIN
  IF months_ahead NOT BETWEEN 0 AND 24 THEN
    RAISE EXCEPTION 'months_ahead is 0 to 24, not %', months_ahead USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(72707001);
  FOR parent IN
    SELECT * FROM (VALUES ('heartbeat', 'at', 100), ('proxy_refusal', 'at', 100), ('proxy_session', 'opened_at', 70), ('usage_hour', 'hour', 70))
      AS t (name, key, fill)
  LOOP
    FOR ahead IN 0 .. months_ahead LOOP
      first_month := date_trunc('month', now()) + make_interval(months => ahead);
      part := parent.name || to_char(first_month, '"_y"YYYY"m"MM');
      CONTINUE WHEN to_regclass(quote_ident(part)) IS NOT NULL;
      storage := format('WITH (fillfactor = %s)', parent.fill);
      BEGIN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) %s',
          part, parent.name, first_month, first_month + interval '1 month', storage);
      EXCEPTION WHEN check_violation THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) %s', part, parent.name, storage);
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
          parent.name || '_default', parent.key, first_month, parent.key, first_month + interval '1 month', part);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
          parent.name, part, first_month, first_month + interval '1 month');
      END;
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

SELECT karvon_ensure_partitions(3);
