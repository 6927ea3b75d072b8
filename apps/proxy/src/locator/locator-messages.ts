/** What the gateway and its locator child say to each other over IPC. */
import type { NodePlace } from "../tunnel/live-node.ts";

export interface LocateQuestion {
  readonly id: number;
  readonly address: string;
}
export interface LocateAnswer {
  readonly id: number;
  readonly place: NodePlace;
}

export function isQuestion(message: unknown): message is LocateQuestion {
  return isRecord(message) && typeof message["id"] === "number" && typeof message["address"] === "string";
}

/** The child is our own program; only the envelope is checked. */
export function isAnswer(message: unknown): message is LocateAnswer {
  return isRecord(message) && typeof message["id"] === "number" && isRecord(message["place"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
