/** One line of plain text for an event; null for what the table or the next line shows anyway. */
import { type NotServingReason, explainNotServing } from "@karvon/domain";
import type { AgentEvent, AgentStatus, Place } from "../events.ts";
import { formatBytes, formatDuration, plain } from "./text.ts";

export function describeEvent(event: AgentEvent): string | null {
  switch (event.kind) {
    case "connecting":
      return null;
    case "ready":
      return `Connected. Clients see you as ${describePlace(event.place)}.`;
    case "refused":
      return `Refused by the gateway: ${plain(event.message)} (${plain(event.code)})`;
    case "disconnected":
      return `Not connected: ${plain(event.reason)}. Trying again in ${Math.ceil(event.retryInMs / 1_000)} s.`;
    case "status":
      return `Device: ${describeStatus(event.status)}`;
    case "stream-opened":
      return `→ ${target(event)} (${event.address})`;
    case "stream-refused":
      return `✗ ${target(event)} refused: ${plain(event.reason)}`;
    case "stream-closed": {
      const { upBytes, downBytes, durationMs, end } = event;
      return `← ${target(event)}: ${formatBytes(upBytes)} up, ${formatBytes(downBytes)} down in ${formatDuration(durationMs)}, ${end}`;
    }
    case "withdrawn":
      return "Consent is withdrawn: this device serves no more.";
    case "stopped":
      return "Stopped. Nothing passes any more.";
  }
}

export function describePlace(place: Place): string {
  const where = [place.city, place.country].filter((part) => part !== null).join(", ");
  const network = place.asn === null ? "" : `, AS${place.asn} ${place.asnName ?? ""}`;
  return plain(`${place.publicAddress} (${where === "" ? "place unknown" : where}${network})`);
}

export function describeStatus(status: AgentStatus): string {
  const battery =
    status.batteryPercent === null
      ? "no battery known"
      : `battery ${status.batteryPercent} %${status.isCharging === true ? " charging" : ""}`;
  const limit = status.dayLimitBytes === null ? "" : ` of ${formatBytes(status.dayLimitBytes)}`;
  return `${battery}, ${status.network}, today ${formatBytes(status.dayBytes)}${limit}, ${describeServing(status.reason)}`;
}

function describeServing(reason: NotServingReason | null): string {
  return reason === null ? "serving" : `not serving: ${explainNotServing(reason)}`;
}

function target(event: { readonly host: string; readonly port: number }): string {
  return plain(`${event.host}:${event.port}`);
}
