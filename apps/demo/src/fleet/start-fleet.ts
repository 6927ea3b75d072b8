/**
 * Brings the demo's nodes online: real agents, each over its own TLS tunnel, announcing its own public address.
 *
 * A node enrols once with a code from `demo/codes.json` and keeps its identity under `demo/fleet/`. A node that cannot
 * enrol is left out and named in the log; the others serve. Limits: 20 s for the first connections.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Agent, type AgentEvent, type AgentStore, enrolAgent, hasIdentity, openAgentStore, startAgent } from "@karvon/agent";
import { type EgressAllow, currentConsent } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { z } from "zod";
import type { Exits } from "../echo/exits.ts";
import { type LivingDevice, createLivingDevice } from "./living-device.ts";
import { type FleetMember, fleet, lineOf } from "./members.ts";

const onlineTimeoutMs = 20_000;
const pollMs = 50;
/** Two devices move at each step, so that the panels see a change every few seconds and no burst. */
const stepEveryMs = 4_000;
const sourcePortFirst = 40_001;

const Codes = z.union([z.array(z.string()), z.object({ codes: z.array(z.string()) }).transform(({ codes }) => codes)]);

export interface FleetOptions {
  /** `<data folder>/demo` */
  readonly folder: string;
  readonly gateway: { readonly host: string; readonly port: number };
  readonly egressAllow: EgressAllow;
  readonly exits: Exits;
  readonly log: Logger;
}

export interface RunningFleet {
  readonly nodes: number;
  close(): Promise<void>;
}

interface RunningNode {
  readonly agent: Agent;
  readonly device: LivingDevice;
}

/** Resolves when every node that could enrol is online, or the time is up. Rejects when none could. */
export async function startFleet(options: FleetOptions): Promise<RunningFleet> {
  const codes = readCodes(join(options.folder, "codes.json"));
  const started = await Promise.all(fleet.map((member, index) => startNode(options, member, index, codes[index])));
  const nodes = started.filter((node) => node !== null);
  if (nodes.length === 0) throw new Error("no demo node could enrol; start Karvon again for fresh codes");
  await waitUntilOnline(nodes);
  let next = 0;
  const life = setInterval(() => {
    for (let i = 0; i < 2; i += 1, next += 1) nodes[next % nodes.length]?.device.step();
  }, stepEveryMs);
  return {
    nodes: nodes.length,
    async close() {
      clearInterval(life);
      await Promise.all(nodes.map(({ agent }) => agent.stop()));
    },
  };
}

/** Codes are needed on a first start only; without the file every node must have its identity. */
function readCodes(path: string): readonly string[] {
  try {
    const codes = Codes.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return codes.success ? codes.data : [];
  } catch {
    return [];
  }
}

async function startNode(options: FleetOptions, member: FleetMember, index: number, code: string | undefined): Promise<RunningNode | null> {
  const { log, exits } = options;
  const source = { address: member.address, port: sourcePortFirst + index };
  const store = await openStore(options, member, source, code);
  if (!store) return null;
  const device = createLivingDevice(member);
  const agent = await startAgent({
    store,
    gateway: options.gateway,
    limits: { wifiOnly: false, minBatteryPercent: 15, dailyLimitBytes: member.dailyLimitBytes },
    device: device.source,
    description: describe(member),
    egressAllow: options.egressAllow,
    proxyProtocolSource: source,
    onEvent: (event) => onEvent(event, member, exits, log),
  });
  return { agent, device };
}

async function openStore(
  options: FleetOptions,
  member: FleetMember,
  proxyProtocolSource: { readonly address: string; readonly port: number },
  code: string | undefined,
): Promise<AgentStore | null> {
  const folder = join(options.folder, "fleet", member.id);
  if (hasIdentity(folder)) return openAgentStore(folder);
  if (code === undefined) {
    options.log.error({ event: "demo.no-code", node: member.id });
    return null;
  }
  const consent = { text: currentConsent, acceptedAtMs: Date.now() };
  const { label } = member;
  const outcome = await enrolAgent({
    folder,
    code,
    label,
    consent,
    device: describe(member),
    gateway: options.gateway,
    proxyProtocolSource,
  });
  if (outcome.kind === "enrolled") return outcome.store;
  options.log.error({ event: "demo.enrolment-refused", node: member.id, code: outcome.code, reason: outcome.reason });
  return null;
}

function describe({ platform, model }: FleetMember): { platform: string; model: string } {
  return { platform, model: `${model} (demo)` };
}

function onEvent(event: AgentEvent, member: FleetMember, exits: Exits, log: Logger): void {
  switch (event.kind) {
    case "ready":
      exits.setPlace(member.id, { node: member.label, type: lineOf(member.network), ...event.place });
      break;
    case "stream-opened":
      exits.open(event.localPort, member.id);
      break;
    case "stream-closed":
      exits.close(event.localPort, member.id);
      break;
    case "refused":
      log.warn({ event: "demo.node-refused", node: member.id, code: event.code, reason: event.message });
      break;
    case "disconnected":
      log.info({ event: "demo.node-disconnected", node: member.id, reason: event.reason, retryInMs: event.retryInMs });
      break;
    default:
      break;
  }
}

async function waitUntilOnline(nodes: readonly RunningNode[]): Promise<void> {
  const deadlineMs = performance.now() + onlineTimeoutMs;
  while (performance.now() < deadlineMs && !nodes.every(({ agent }) => agent.snapshot().phase === "serving")) await sleep(pollMs);
}
