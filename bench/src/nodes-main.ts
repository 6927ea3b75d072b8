/**
 * The fleet of the benchmark: agents of apps/agent in one process, each with its own key, its own TLS tunnel and its own
 * identity. The plan comes in KARVON_BENCH_NODES as JSON; `{"nodes":N}` is printed when every one of them serves.
 * Limits: 60 s until all serve; SIGTERM stops them.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createFixedDevice, enrolAgent, startAgent, type Agent } from "@karvon/agent";
import { currentConsent, defaultOwnerLimits, parseEgressAllow, type EgressAllow } from "@karvon/domain";
import { readObject, textAt, valueAt } from "./json.ts";

const readyTimeoutMs = 60_000;
const pollMs = 50;

interface Plan {
  readonly folder: string;
  readonly codes: readonly string[];
  readonly egressAllow: readonly string[];
}

function readPlan(text: string): Plan {
  const plan = readObject(text);
  return { folder: textAt(plan, ["folder"]) ?? "", codes: textsAt(plan, "codes"), egressAllow: textsAt(plan, "egressAllow") };
}

function textsAt(object: unknown, name: string): readonly string[] {
  const list: unknown = valueAt(object, [name]);
  return Array.isArray(list) ? list.map(String) : [];
}

function readAllow(list: readonly string[]): EgressAllow {
  const reading = parseEgressAllow(list);
  if (reading.kind === "bad") throw new Error(`egressAllow does not take ${reading.entry}`);
  return reading.allow;
}

async function startNode(plan: Plan, code: string, index: number): Promise<Agent> {
  // A public address of its own for each: a gateway takes few enrolments a minute from one address. It believes the
  // header from loopback, where this benchmark says so (KARVON_TRUSTED_PROXIES).
  const proxyProtocolSource = { address: `44.0.0.${index + 1}`, port: 40_000 };
  const enrolled = await enrolAgent({
    proxyProtocolSource,
    folder: join(plan.folder, String(index)),
    code,
    label: `bench ${index + 1}`,
    consent: { text: currentConsent, acceptedAtMs: Date.now() },
  });
  if (enrolled.kind === "refused") throw new Error(`node ${index + 1} was not enrolled: ${enrolled.reason}`);
  return startAgent({
    proxyProtocolSource,
    store: enrolled.store,
    limits: defaultOwnerLimits,
    device: createFixedDevice({ batteryPercent: 100, isCharging: true, network: "wifi", isMetered: false }),
    egressAllow: readAllow(plan.egressAllow),
  });
}

const plan = readPlan(process.env["KARVON_BENCH_NODES"] ?? "{}");
const agents: Agent[] = [];
process.once("SIGTERM", () => {
  void Promise.all(agents.map((agent) => agent.stop())).then(() => process.exit(0));
});
// One after the other: enrolment is not what is measured.
for (const [index, code] of plan.codes.entries()) agents.push(await startNode(plan, code, index));
const deadlineMs = performance.now() + readyTimeoutMs;
while (!agents.every((agent) => agent.snapshot().phase === "serving")) {
  if (performance.now() > deadlineMs) throw new Error(`not every node serves after ${readyTimeoutMs / 1000} s`);
  await pause(pollMs);
}
process.stdout.write(`${JSON.stringify({ nodes: agents.length })}\n`);
