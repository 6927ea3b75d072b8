/** The four commands. Each returns the exit code: 0 done, 1 failed, 3 refused by the gateway or by the owner. */
import { homedir } from "node:os";
import { join } from "node:path";
import { currentConsent } from "@karvon/domain";
import { openSystemDevice } from "../device/device-source.ts";
import { enrolAgent } from "../enrol-agent.ts";
import { startAgent } from "../start-agent.ts";
import { hasIdentity, openAgentStore } from "../store/agent-store.ts";
import { withdrawAgent } from "../withdraw-agent.ts";
import type { Command } from "./arguments.ts";
import { askConsent } from "./ask-consent.ts";
import { createLiveView } from "./live-view.ts";
import { formatBytes, plain } from "./text.ts";

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Called with what to do when the owner presses Ctrl-C or the system ends the program. */
  onStopSignal(stop: () => void): void;
}
type Of<Kind extends Command["kind"]> = Extract<Command, { readonly kind: Kind }>;

function folderOf(folder: string | null): string {
  return folder ?? join(homedir(), ".karvon-agent");
}

export async function enroll(command: Of<"enroll">, { input, output }: Terminal): Promise<number> {
  const folder = folderOf(command.folder);
  if (hasIdentity(folder) && !openAgentStore(folder).isWithdrawn()) {
    output.write(`This device is enrolled already (${folder}). Use --data for a second identity, or withdraw first.\n`);
    return 1;
  }
  if (!command.hasAccepted && !input.isTTY) {
    output.write("Nobody can be asked here. Read the consent text (karvon-agent enroll in a terminal) and use --accept-consent.\n");
    return 1;
  }
  if (!command.hasAccepted && !(await askConsent(currentConsent.text, input, output))) {
    output.write("Not enrolled: you did not agree. Nothing was sent.\n");
    return 3;
  }
  const outcome = await enrolAgent({
    folder,
    code: command.code,
    label: command.label,
    proxyProtocolSource: command.source,
    consent: { text: currentConsent, acceptedAtMs: Date.now() },
  });
  if (outcome.kind === "refused") {
    output.write(`${plain(outcome.reason, 300)}\n`);
    return 3;
  }
  const { identity } = outcome.store;
  output.write(`Enrolled with ${plain(identity.operatorName)} as ${identity.nodeId}. Start serving with: karvon-agent run\n`);
  return 0;
}

export async function run(command: Of<"run">, terminal: Terminal): Promise<number> {
  const { output } = terminal;
  const store = openAgentStore(folderOf(command.folder));
  if (store.isWithdrawn()) {
    output.write("You have withdrawn your consent, so this device does not serve. To serve again, enrol with a new code.\n");
    return 3;
  }
  const kind = command.isJson ? "json" : output.isTTY ? "table" : "lines";
  const title = command.name === "" ? store.identity.label : command.name;
  const view = createLiveView(kind, title, (text) => output.write(text));
  const agent = await startAgent({
    store,
    limits: command.limits,
    device: await openSystemDevice(command.known),
    gateway: command.gateway,
    egressAllow: command.egressAllow,
    proxyProtocolSource: command.source,
    onEvent: (event) => view.onEvent(event),
  });
  terminal.onStopSignal(() => {
    view.close();
    void agent.stop();
  });
  view.watch(() => agent.snapshot());
  await agent.done;
  view.close();
  return store.isWithdrawn() ? 3 : 0;
}

export async function withdraw(command: Of<"withdraw">, { output }: Terminal): Promise<number> {
  const outcome = await withdrawAgent({ store: openAgentStore(folderOf(command.folder)) });
  if (outcome.kind === "told") {
    output.write("Your consent is withdrawn. This device serves no more, and the operator knows.\n");
    return 0;
  }
  output.write(`Your consent is withdrawn on this device and it serves no more. The operator could not be told yet:
${plain(outcome.reason, 300)}. Run "karvon-agent withdraw" again later.\n`);
  return 1;
}

export function status(command: Of<"status">, { output }: Terminal): number {
  const folder = folderOf(command.folder);
  const store = openAgentStore(folder);
  const { nodeId, label, operatorName, door, consent, enrolledAtMs } = store.identity;
  const today = store.readDay();
  const facts = {
    nodeId,
    label,
    operatorName,
    gateway: `${door.host}:${door.port}`,
    enrolledAt: new Date(enrolledAtMs).toISOString(),
    consentVersion: consent.version,
    isWithdrawn: store.isWithdrawn(),
    day: today.day === "" ? null : today.day,
    dayBytes: today.bytes,
    folder,
  };
  if (command.isJson) {
    output.write(`${JSON.stringify(facts)}\n`);
    return 0;
  }
  output.write(`Device    ${nodeId}${label === "" ? "" : ` (${plain(label)})`}
Operator  ${plain(operatorName)}
Gateway   ${plain(facts.gateway)}
Enrolled  ${facts.enrolledAt}, consent text ${plain(consent.version)}${facts.isWithdrawn ? ", WITHDRAWN" : ""}
Passed    ${formatBytes(today.bytes)} on ${facts.day ?? "no day yet"}
Folder    ${folder}
`);
  return 0;
}
