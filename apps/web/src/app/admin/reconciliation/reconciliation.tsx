"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useTRPC } from "#trpc/client.tsx";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import type { Reconciliation as Report } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { Checks } from "./checks.tsx";
import { History } from "./history.tsx";
import { Verdict } from "./verdict.tsx";

const refreshMs = 15_000;

export function Reconciliation() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const report = useQuery(trpc.admin.reconciliation.queryOptions(undefined, { refetchInterval: refreshMs }));
  const run = useMutation(
    trpc.admin.runReconciliation.mutationOptions({
      // One that came to no result is in the history too.
      onSettled: () => queryClient.invalidateQueries(trpc.admin.reconciliation.pathFilter()),
    }),
  );
  return (
    <>
      <PageHeader
        title="Reconciliation"
        description="What the gateways measured, what devices counted, what clients were debited and what operators were credited are separate records. They must say the same. Checked every five minutes, and everything once a night."
        actions={
          <Button busy={run.isPending} onClick={() => run.mutate()}>
            <RotateCw aria-hidden="true" />
            Check everything now
          </Button>
        }
      />
      {run.error === null ? null : <ErrorPanel className="mb-4" failure={readFailure(run.error)} onRetry={() => run.mutate()} />}
      <Loaded query={report} loading={<Skeleton className="h-72 rounded-lg" />}>
        {(data) => <Details report={data} />}
      </Loaded>
    </>
  );
}

/** The verdict is the newest result's: says so when a run after it came to none. */
function LastFailure({ report }: { report: Report }) {
  const [newest] = report.history;
  if (newest === undefined || newest.failure === null) return null;
  return (
    <Notice tone="warn" title="The last run came to no result">
      {newest.failure}. What stands below is from the run before it. Check everything again; when that fails too, look into the
      database&rsquo;s log.
    </Notice>
  );
}

function Details({ report }: { report: Report }) {
  return (
    <div className="space-y-4">
      <LastFailure report={report} />
      <Verdict report={report} />
      {report.lastRun === null ? null : <Checks checks={report.lastRun.checks} />}
      <History runs={report.history} />
    </div>
  );
}
