/**
 * A part of the benchmark's fleet: agents of apps/agent in one process, each with its own key, its own TLS tunnel and its own
 * identity. The plan comes in KARVON_BENCH_NODES as JSON; `{"nodes":N}` is printed when every one of them serves.
 * Limits: 8 enrol at a time; 120 s until all serve; SIGTERM stops them.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createFixedDevice, enrolAgent, startAgent, type Agent } from "@karvon/agent";
import { currentConsent, defaultOwnerLimits, parseEgressAllow, type EgressAllow } from "@karvon/domain";
import { numberAt, readObject, textAt, valueAt } from "./json.ts";

const readyTimeoutMs = 120_000;
const enrolledAtOnce = 8;
const pollMs = 50;

interface Plan {
  readonly folder: string;
  readonly codes: readonly string[];
  /** Number of the first node here in the whole fleet. */
  readonly firstNumber: number;
  readonly egressAllow: readonly string[];
}

function readPlan(text: string): Plan {
  const plan = readObject(text);
  return {
    folder: textAt(plan, ["folder"]) ?? "",
    codes: textsAt(plan, "codes"),
    firstNumber: numberAt(plan, ["firstNumber"]) ?? 0,
    egressAllow: textsAt(plan, "egressAllow"),
  };
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

/** A public address of its own for each node: a gateway takes few enrolments a minute from one. */
function addressOf(number: number): string {
  return `44.${Math.floor(number / 50_000)}.${Math.floor(number / 200) % 250}.${(number % 200) + 1}`;
}

async function startNode(plan: Plan, code: string, index: number): Promise<Agent> {
  const number = plan.firstNumber + index;
  // The gateway believes the header where this benchmark says so (KARVON_TRUSTED_PROXIES).
  const proxyProtocolSource = { address: addressOf(number), port: 40_000 };
  const enrolled = await enrolAgent({
    proxyProtocolSource,
    folder: join(plan.folder, String(number)),
    code,
    label: `bench ${number + 1}`,
    consent: { text: currentConsent, acceptedAtMs: Date.now() },
  });
  if (enrolled.kind === "refused") throw new Error(`node ${number + 1} was not enrolled: ${enrolled.reason}`);
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
const queue = Array.from(plan.codes.entries());
const enrolQueued = async (): Promise<void> => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) agents.push(await startNode(plan, next[1], next[0]));
};
await Promise.all(Array.from({ length: enrolledAtOnce }, enrolQueued));
const deadlineMs = performance.now() + readyTimeoutMs;
while (!agents.every((agent) => agent.snapshot().phase === "serving")) {
  if (performance.now() > deadlineMs) throw new Error(`not every node serves after ${readyTimeoutMs / 1000} s`);
  await pause(pollMs);
}
process.stdout.write(`${JSON.stringify({ nodes: agents.length })}\n`);
