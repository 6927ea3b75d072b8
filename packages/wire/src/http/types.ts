/** One field line: the name as it was sent, the value without surrounding white space (latin1). */
export interface HttpField {
  readonly name: string;
  readonly value: string;
}

/** Where a message's body ends. "close" (responses only) means when the sender closes. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

/** RFC 9112 section 3.2. Hosts are as sent (brackets of IPv6 literals removed); the destination policy judges them. */
export type RequestTarget =
  | { readonly form: "authority"; readonly host: string; readonly port: number }
  | { readonly form: "absolute"; readonly scheme: string; readonly host: string; readonly port: number; readonly path: string }
  | { readonly form: "origin"; readonly path: string }
  | { readonly form: "asterisk" };

export interface HttpRequestHead {
  readonly method: string;
  readonly target: RequestTarget;
  readonly version: "1.0" | "1.1";
  readonly fields: readonly HttpField[];
  readonly body: BodyFraming;
  /** Whether the client expects to send another request on this connection. */
  readonly keepAlive: boolean;
  readonly expectContinue: boolean;
  /** Value of the one Proxy-Authorization field, or null. */
  readonly proxyAuthorization: string | null;
}

export interface HttpResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly version: "1.0" | "1.1";
  readonly fields: readonly HttpField[];
  readonly body: BodyFraming;
  /** 1xx other than 101: another head follows. */
  readonly isInterim: boolean;
  readonly keepAlive: boolean;
}
