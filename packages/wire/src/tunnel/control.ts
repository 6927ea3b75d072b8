/**
 * Control frames of the tunnel: JSON objects of at most 4,096 bytes on stream 0.
 *
 * Reading validates every field that is listed here and drops fields that are not. A field that is missing, of the
 * wrong type or too long makes the whole frame malformed.
 */
import { controlPayloadMaxBytes, frameTypes } from "./frame.ts";

export interface ControlPayloads {
  /** 9, gateway to node: the first frame of every connection. */
  readonly challenge: { readonly gatewayId: string; readonly nonce: string; readonly protocol: number };
  /** 10, node to gateway. */
  readonly auth: {
    readonly nodeId: string;
    readonly keyId: string;
    readonly bootId: string;
    readonly sessionSeq: number;
    readonly signature: string;
    readonly agentVersion: string;
    readonly platform: string;
    readonly model: string;
  };
  /** 11, gateway to node: admitted; streams may come. */
  readonly ready: {
    readonly publicAddress: string;
    readonly country: string | null;
    readonly city: string | null;
    readonly asn: number | null;
    readonly asnName: string | null;
  };
  /** 12, node to gateway, in place of auth. */
  readonly enrol: {
    readonly token: string;
    readonly algorithm: string;
    readonly publicKey: string;
    readonly signature: string;
    readonly label: string;
    readonly platform: string;
    readonly model: string;
    readonly agentVersion: string;
    readonly consent: {
      readonly version: string;
      readonly textSha256: string;
      readonly acceptedAtMs: number;
      readonly signature: string;
    };
  };
  /** 13, gateway to node. */
  readonly enrolled: { readonly nodeId: string; readonly keyId: string; readonly operatorName: string };
  /** 14, node to gateway. */
  readonly status: {
    readonly batteryPercent: number | null;
    readonly isCharging: boolean | null;
    readonly network: string;
    readonly isMetered: boolean | null;
    readonly dayBytes: number;
    readonly dayLimitBytes: number | null;
    readonly accepting: boolean;
    readonly reason: string | null;
  };
  /** 15, gateway to node, then the gateway closes. */
  readonly refused: { readonly code: string; readonly message: string };
  /** 16, node to gateway: consent is withdrawn. */
  readonly withdraw: { readonly [field: string]: never };
}
export type ControlType = keyof ControlPayloads;
export type ControlMessage = {
  readonly [Type in ControlType]: { readonly type: Type; readonly payload: ControlPayloads[Type] };
}[ControlType];

/** Reads one field: the checked value, or undefined when it may not be what it is. */
type FieldReader<Value> = (value: unknown) => Value | undefined;
type Shape<Payload> = { readonly [Field in keyof Payload]-?: FieldReader<Payload[Field]> };

const text =
  (maxLength: number, minLength = 1): FieldReader<string> =>
  (value) =>
    typeof value === "string" && value.length >= minLength && value.length <= maxLength ? value : undefined;
const whole =
  (max: number, min = 0): FieldReader<number> =>
  (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
const flag: FieldReader<boolean> = (value) => (typeof value === "boolean" ? value : undefined);
/** An absent field and null are the same. */
const maybe =
  <Value>(read: FieldReader<Value>): FieldReader<Value | null> =>
  (value) =>
    value === null || value === undefined ? null : read(value);

const id = text(64);
const label = text(128, 0);
const secret = text(1_024);
const bytes = whole(Number.MAX_SAFE_INTEGER);

const consentShape: Shape<ControlPayloads["enrol"]["consent"]> = {
  version: text(64),
  textSha256: text(64),
  acceptedAtMs: bytes,
  signature: secret,
};

const shapes: { readonly [Type in ControlType]: Shape<ControlPayloads[Type]> } = {
  challenge: { gatewayId: id, nonce: text(64), protocol: whole(255) },
  auth: {
    nodeId: id,
    keyId: id,
    bootId: id,
    sessionSeq: bytes,
    signature: secret,
    agentVersion: label,
    platform: label,
    model: label,
  },
  ready: { publicAddress: text(64), country: maybe(text(2)), city: maybe(label), asn: maybe(whole(0xffff_ffff)), asnName: maybe(label) },
  enrol: {
    token: text(128),
    algorithm: text(32),
    publicKey: secret,
    signature: secret,
    label,
    platform: label,
    model: label,
    agentVersion: label,
    consent: (value) => readShape(consentShape, value),
  },
  enrolled: { nodeId: id, keyId: id, operatorName: label },
  status: {
    batteryPercent: maybe(whole(100)),
    isCharging: maybe(flag),
    network: text(32),
    isMetered: maybe(flag),
    dayBytes: bytes,
    dayLimitBytes: maybe(bytes),
    accepting: flag,
    reason: maybe(label),
  },
  refused: { code: id, message: text(512, 0) },
  withdraw: {},
};

const controlTypes = [
  "challenge",
  "auth",
  "ready",
  "enrol",
  "enrolled",
  "status",
  "refused",
  "withdraw",
] as const satisfies readonly ControlType[];

/** The payload of a control frame. RangeError when it would be longer than a control frame may be. */
export function encodeControl<Type extends ControlType>(type: Type, payload: ControlPayloads[Type]): Buffer {
  const encoded = Buffer.from(JSON.stringify(payload), "utf8");
  if (encoded.length > controlPayloadMaxBytes)
    throw new RangeError(`a ${type} frame may not be longer than ${controlPayloadMaxBytes} bytes`);
  return encoded;
}

/** Null when the type is no control type, the payload no JSON object, or a field is wrong. */
export function decodeControl(frameType: number, payload: Buffer): ControlMessage | null {
  const type = controlTypes[frameType - frameTypes.challenge];
  if (type === undefined || payload.length > controlPayloadMaxBytes) return null;
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch {
    return null;
  }
  return readMessage(type, value);
}

/** Keeps type and payload together, which a table look-up by a union of types cannot. */
function readMessage(type: ControlType, value: unknown): ControlMessage | null {
  const payload = readShape<ControlPayloads[ControlType]>(shapes[type], value);
  return payload === undefined ? null : pairMessage(type, payload);
}

function pairMessage(type: ControlType, payload: ControlPayloads[ControlType]): ControlMessage {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `payload` was read by the shape of `type`, which the union does not show
  return { type, payload } as ControlMessage;
}

/** The object with exactly the fields of `shape`; undefined when one of them is wrong. Fields that are not listed are dropped. */
function readShape<Payload>(shape: Shape<Payload>, value: unknown): Payload | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const result: Partial<Payload> = {};
  for (const field in shape) {
    const read = shape[field](fields.get(field));
    if (read === undefined) return undefined;
    result[field] = read;
  }
  return asWhole(result);
}

function asWhole<Payload>(filled: Partial<Payload>): Payload {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `readShape` has filled every field of the shape before it asks
  return filled as Payload;
}
