/**
 * Shows the owner what passes while it passes: a table that is drawn again each second in a terminal, a line an event
 * elsewhere, JSON lines on request. Limits: 20 streams in the table (the rest is counted), 5 latest lines below it.
 */
import type { AgentEvent, AgentSnapshot, PassingStream } from "../events.ts";
import { describeEvent, describePlace, describeStatus } from "./describe-event.ts";
import { formatBytes, formatDuration, plain } from "./text.ts";

const redrawMs = 1_000;
const rowsMax = 20;
const latestMax = 5;
const clearScreen = "\u001b[H\u001b[2J";

export type ViewKind = "table" | "lines" | "json";

export interface LiveView {
  onEvent(event: AgentEvent): void;
  /** Starts drawing; `snapshot` is asked each second. */
  watch(snapshot: () => AgentSnapshot): void;
  close(): void;
}

export function createLiveView(kind: ViewKind, title: string, write: (text: string) => void): LiveView {
  if (kind === "json") return lineView(write, (event) => JSON.stringify({ at: new Date().toISOString(), ...event }));
  if (kind === "lines") return lineView(write, describeEvent);
  return tableView(title, write);
}

function lineView(write: (text: string) => void, describe: (event: AgentEvent) => string | null): LiveView {
  return {
    onEvent(event) {
      const line = describe(event);
      if (line !== null) write(`${line}\n`);
    },
    watch: () => undefined,
    close: () => undefined,
  };
}

function tableView(title: string, write: (text: string) => void): LiveView {
  const latest: string[] = [];
  let timer: NodeJS.Timeout | null = null;
  return {
    onEvent(event) {
      const line = event.kind === "status" || event.kind === "stream-opened" ? null : describeEvent(event);
      if (line === null) return;
      latest.push(line);
      if (latest.length > latestMax) latest.shift();
      // Before the table is drawn, and after it has gone, lines are all there is.
      if (!timer) write(`${line}\n`);
    },
    watch(snapshot) {
      const draw = (): void => write(clearScreen + drawTable(title, snapshot(), latest, Date.now()));
      draw();
      timer = setInterval(draw, redrawMs);
    },
    close() {
      if (timer) clearInterval(timer);
      timer = null;
    },
  };
}

export function drawTable(title: string, snapshot: AgentSnapshot, latest: readonly string[], nowMs: number): string {
  const { place, status, streams, phase } = snapshot;
  const passing = streams.filter(({ address }) => address !== null);
  const busiest = passing.toSorted((a, b) => b.upBytes + b.downBytes - a.upBytes - a.downBytes).slice(0, rowsMax);
  const lines = [
    `Karvon agent${title === "" ? "" : ` · ${plain(title, 40)}`} · Ctrl-C stops everything at once`,
    place ? `Online as ${describePlace(place)}` : phase === "connecting" ? "Connecting…" : "Offline, trying again soon",
    status ? describeStatus(status) : "",
    "",
    passing.length === 0 ? "Nothing passes at the moment." : row("server", "up", "down", "since"),
    ...busiest.map((stream) => streamRow(stream, nowMs)),
    ...(passing.length > rowsMax ? [`and ${passing.length - rowsMax} more`] : []),
    "",
    ...latest,
  ];
  return `${lines.join("\n")}\n`;
}

function streamRow(stream: PassingStream, nowMs: number): string {
  const since = formatDuration(Math.max(0, nowMs - stream.openedAtMs));
  return row(plain(`${stream.host}:${stream.port}`, 46), formatBytes(stream.upBytes), formatBytes(stream.downBytes), since);
}

function row(server: string, up: string, down: string, since: string): string {
  return `${server.padEnd(48)}${up.padStart(10)}${down.padStart(12)}${since.padStart(14)}`;
}
