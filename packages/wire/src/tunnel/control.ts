/**
 * Control frames of the tunnel: JSON objects of at most 4,096 bytes on stream 0.
 *
 * Reading validates every field that is listed here and drops fields that are not. A field that is missing, of the
 * wrong type or too long makes the whole frame malformed.
 */
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
  readonly withdraw: Readonly<Record<never, never>>;
}
export type ControlType = keyof ControlPayloads;
export type ControlMessage = {
  readonly [Type in ControlType]: { readonly type: Type; readonly payload: ControlPayloads[Type] };
}[ControlType];
