/**
 * What the router knows of a node, wherever its tunnel ends: in this process or in another one of the same machine.
 *
 * Everything here is read at the moment of a choice, so it must be cheap: a field or a getter over a few fields.
 */
import type { NodeQuality } from "./node-quality.ts";
import type { ExitFacts } from "./route-wish.ts";

export interface RoutableNode extends ExitFacts {
  readonly nodeId: string;
  /** The address that targets see. */
  readonly publicAddress: string;
  /** Whether new sessions may go to the node at all. */
  readonly isServing: boolean;
  /** Whether one more stream fits now. */
  readonly hasRoom: boolean;
  /** Streams open on the node now, as far as known here. */
  readonly openStreams: number;
  readonly streamsMax: number;
  /** 0 to 100; null when the device has no battery or did not say. */
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  /** Proxy Score, 0 to 1,000,000; null until somebody judged the node, which counts as neutral. */
  readonly scoreMicros: number | null;
  readonly quality: NodeQuality;
}
