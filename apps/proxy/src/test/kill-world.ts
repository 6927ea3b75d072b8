/** A gateway process under load that is killed, and the successor that posts what it owes. */
import { until } from "@karvon/testkit";
import { type Comparison, compareWithLedger } from "./compare-with-ledger.ts";
import type { CountingTarget } from "./counting-target.ts";
import type { GatewayProcess, GatewayProcesses } from "./gateway-process.ts";
import { startLoadClient, sumReceived } from "./load-client.ts";

export interface KillPlan {
  readonly processes: GatewayProcesses;
  readonly target: CountingTarget;
  readonly login: { readonly username: string; readonly password: string };
  readonly clients: number;
  readonly nodes: number;
  /** What clients have received when the gateway is killed. */
  readonly killAtBytes: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** What ends at the same moment as the gateway. */
  readonly alsoEnd?: () => Promise<void>;
  /** Starts the successor in another way. */
  readonly startSuccessor?: () => Promise<GatewayProcess>;
}

export interface KillFigures extends Comparison {
  /** Both ways, until the kill. */
  readonly mbPerS: number;
}

/** Resolves when every session is in the ledger with its end, and the successor has ended in order. */
export async function killOnce(plan: KillPlan): Promise<KillFigures> {
  const { processes, target, environment } = plan;
  const gateway = await processes.start(environment);
  for (let number = 0; number < plan.nodes; number += 1) await processes.addNode(gateway);
  target.forget();
  const startedMs = performance.now();
  const clients = await Promise.all(
    Array.from({ length: plan.clients }, (_, number) => startLoadClient(gateway.proxyPort, plan.login, target.port, `client${number}`)),
  );
  await until(() => sumReceived(clients) >= plan.killAtBytes, { what: "enough traffic", everyMs: 1, timeoutMs: 30_000 });
  const seconds = (performance.now() - startedMs) / 1_000;
  gateway.child.kill("SIGKILL");
  await Promise.all([gateway.exited, plan.alsoEnd?.()]);
  await until(() => clients.every((client) => client.isClosed) && target.openCount === 0, { what: "every connection's end" });
  const successor = await (plan.startSuccessor?.() ?? processes.start(environment));
  const found = await compareWithLedger(processes.fixtures.pool, target, clients);
  successor.child.kill("SIGTERM");
  await successor.exited;
  return { ...found, mbPerS: Math.round(found.deliveredBytes / seconds / 1e5) / 10 };
}
