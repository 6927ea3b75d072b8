"use client";
import { Check, Clock, Equal, EqualNot, Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import type { Reconciliation as Report } from "#trpc/types.ts";
import { cn } from "#ui/cn.ts";
import { formatBytes, formatExactBytes, formatExactUsd } from "#ui/format.ts";
import { formatDuration } from "#ui/format-time.ts";
import { Ago } from "#ui/time-cells.tsx";
import { useNow } from "#ui/use-now.ts";

/** Three runs that were missed: then nobody checks. */
const staleMs = 900_000;

type State = "equal" | "unequal" | "unchecked" | "stale";

interface Words {
  readonly title: string;
  /** What to do about it; nothing when all is well. */
  readonly next?: string;
  readonly icon: typeof Check;
  readonly frame: string;
  readonly head: string;
}
const warned = { icon: Clock, frame: "border-warn/50", head: "border-warn/25 bg-warn-wash text-warn" };
const words: Readonly<Record<State, Words>> = {
  equal: { title: "Everything is equal", icon: Check, frame: "border-good/40", head: "border-good/25 bg-good-wash text-good" },
  unequal: {
    title: "The books differ",
    next: "Nothing is stopped. The checks below name the first wrong rows; new entries put right what they did to an account.",
    icon: X,
    frame: "border-bad/50",
    head: "border-bad/25 bg-bad-wash text-bad",
  },
  stale: { title: "Nobody has checked for a while", next: "The launcher checks every five minutes. See whether it runs.", ...warned },
  unchecked: { title: "Not checked yet", next: "The first run is made when the platform starts.", ...warned },
};

/** Green, red, or nobody knows; and the sums of this moment. */
export function Verdict({ report }: { report: Report }) {
  const { totals, lastRun } = report;
  const nowMs = useNow(5_000);
  const areBytesEqual = totals.measuredBytes === totals.clientDebitBytes;
  const isMoneyEqual = totals.clientDebitMicroUsd === totals.operatorCreditMicroUsd + totals.feeMicroUsd;
  const state = stateOf(lastRun, areBytesEqual && isMoneyEqual, nowMs);
  const { title, next, icon: Icon, frame, head } = words[state];
  return (
    <section aria-label="Equality" data-testid="reconciliation" data-state={state} className={cn("rounded-lg border bg-surface", frame)}>
      <header className={cn("flex flex-wrap items-center gap-x-3 gap-y-1 rounded-t-lg border-b px-4 py-3 sm:px-5", head)}>
        <Icon aria-hidden="true" className="size-5" />
        <h2 className="text-lg font-semibold">{title}</h2>
        {lastRun === null ? null : (
          <span className="text-sm sm:ml-auto">
            checked <Ago at={lastRun.at} /> in {formatDuration(lastRun.milliseconds)}
          </span>
        )}
        {next === undefined ? null : <p className="basis-full text-sm text-ink">{next}</p>}
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
  );
}

function stateOf(lastRun: Report["lastRun"], areSumsEqual: boolean, nowMs: number): State {
  if (!areSumsEqual || (lastRun !== null && lastRun.badCount > 0)) return "unequal";
  if (lastRun === null) return "unchecked";
  return nowMs > 0 && nowMs - lastRun.at.getTime() > staleMs ? "stale" : "equal";
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
