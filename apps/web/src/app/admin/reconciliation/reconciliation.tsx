"use client";
import { useQuery } from "@tanstack/react-query";
import { Check, Equal, EqualNot, Plus, RotateCw, X } from "lucide-react";
import type { ReactNode } from "react";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Reconciliation as Report } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { cn } from "#ui/cn.ts";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { formatBytes, formatCount, formatExactBytes, formatExactUsd } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { showJson } from "#ui/show-json.ts";
import { Skeleton } from "#ui/skeleton.tsx";
import { Ago } from "#ui/time-cells.tsx";

const refreshMs = 15_000;

export function Reconciliation() {
  const trpc = useTRPC();
  const report = useQuery(trpc.admin.reconciliation.queryOptions(undefined, { refetchInterval: refreshMs }));
  return (
    <>
      <PageHeader
        title="Reconciliation"
        description="What the gateways measured, what clients were debited and what operators were credited are three records. They must say the same."
        actions={
          <Button busy={report.isFetching} onClick={() => void report.refetch()}>
            <RotateCw aria-hidden="true" />
            Check now
          </Button>
        }
      />
      <Loaded query={report} loading={<Skeleton className="h-72 rounded-lg" />}>
        {(data) => <Details report={data} />}
      </Loaded>
    </>
  );
}

function Details({ report }: { report: Report }) {
  const { totals, checks } = report;
  const areBytesEqual = totals.measuredBytes === totals.clientDebitBytes;
  const isMoneyEqual = totals.clientDebitMicroUsd === totals.operatorCreditMicroUsd + totals.feeMicroUsd;
  const badChecks = checks.filter((check) => check.badCount > 0).length;
  const isRight = areBytesEqual && isMoneyEqual && badChecks === 0;
  return (
    <div className="space-y-4">
      <section
        aria-label="Equality"
        data-testid="reconciliation"
        data-state={isRight ? "equal" : "unequal"}
        className={cn("rounded-lg border bg-surface", isRight ? "border-good/40" : "border-bad/50")}
      >
        <header
          className={cn(
            "flex flex-wrap items-center gap-3 rounded-t-lg border-b px-4 py-3 sm:px-5",
            isRight ? "border-good/25 bg-good-wash text-good" : "border-bad/25 bg-bad-wash text-bad",
          )}
        >
          {isRight ? <Check aria-hidden="true" className="size-5" /> : <X aria-hidden="true" className="size-5" />}
          <h2 className="text-lg font-semibold">{isRight ? "Everything is equal" : "The books differ"}</h2>
          <span className="ml-auto text-sm">
            checked <Ago at={report.at} />
          </span>
        </header>
        <Equation name="Traffic" isEqual={areBytesEqual}>
          <Term
            name="Measured by gateways"
            value={formatExactBytes(totals.measuredBytes)}
            note={formatBytes(totals.measuredBytes)}
            testId="measured-bytes"
          />
          <Sign isEqual={areBytesEqual} />
          <Term
            name="Debited to clients"
            value={formatExactBytes(totals.clientDebitBytes)}
            note={formatBytes(totals.clientDebitBytes)}
            testId="debit-bytes"
          />
        </Equation>
        <Equation name="Money" isEqual={isMoneyEqual}>
          <Term name="Debited to clients" value={formatExactUsd(totals.clientDebitMicroUsd)} testId="debit-usd" />
          <Sign isEqual={isMoneyEqual} />
          <Term name="Credited to operators" value={formatExactUsd(totals.operatorCreditMicroUsd)} testId="credit-usd" />
          <Plus aria-hidden="true" className="size-5 shrink-0 text-faint" />
          <Term name="Network fee" value={formatExactUsd(totals.feeMicroUsd)} testId="fee-usd" />
        </Equation>
      </section>
      <Card
        flush
        title="Checks"
        description={
          badChecks === 0 ? `All ${formatCount(checks.length)} pass.` : `${formatCount(badChecks)} of ${formatCount(checks.length)} fail.`
        }
      >
        <DataTable label="Checks" columns={columns} rows={checks} rowKey={(check) => check.check} />
      </Card>
    </div>
  );
}

function Equation({ name, isEqual, children }: { name: string; isEqual: boolean; children: ReactNode }) {
  return (
    <div
      role="group"
      aria-label={`${name}: ${isEqual ? "equal" : "different"}`}
      className="flex flex-col items-start gap-x-6 gap-y-3 px-4 py-5 not-last:border-b sm:flex-row sm:items-center sm:px-5"
    >
      {children}
    </div>
  );
}

function Term({ name, value, note, testId }: { name: string; value: string; note?: string; testId: string }) {
  return (
    <div className="min-w-0">
      <p className="text-sm text-faint">{name}</p>
      <p data-testid={testId} className="text-xl font-semibold tracking-tight break-all tabular-nums">
        {value}
      </p>
      {note === undefined ? null : <p className="text-sm text-soft tabular-nums">{note}</p>}
    </div>
  );
}

function Sign({ isEqual }: { isEqual: boolean }) {
  const Icon = isEqual ? Equal : EqualNot;
  return (
    <span
      className={cn(
        "flex size-9 shrink-0 items-center justify-center rounded-full",
        isEqual ? "bg-good-wash text-good" : "bg-bad-wash text-bad",
      )}
    >
      <Icon aria-hidden="true" className="size-5" />
      <span className="sr-only">{isEqual ? "equals" : "does not equal"}</span>
    </span>
  );
}

const columns: Column<Report["checks"][number]>[] = [
  { name: "Check", role: "lead", cell: (check) => <span>{check.title}</span> },
  {
    name: "Result",
    cell: (check) =>
      check.badCount === 0 ? <Badge tone="good">passes</Badge> : <Badge tone="bad">{formatCount(check.badCount)} wrong</Badge>,
  },
  {
    name: "First wrong rows",
    role: "wide",
    cell: (check) =>
      check.badCount === 0 ? (
        <span className="text-faint">none</span>
      ) : (
        <code className="block max-w-xl font-mono text-xs break-all">{showJson(check.sample)}</code>
      ),
  },
];
