/** One field line: the name as it was sent, in lower case as `key`, and the value without surrounding white space (latin1). */
export interface HttpField {
  readonly name: string;
  readonly key: string;
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

/** What heads in both directions tell. */
interface HttpHead {
  readonly version: "1.0" | "1.1";
  readonly fields: readonly HttpField[];
  readonly body: BodyFraming;
  /** Options of the Connection field in lower case: fields named here end at the next hop. */
  readonly connection: readonly string[];
  /** Whether the sender means to use this connection again. */
  readonly keepAlive: boolean;
  /** The one protocol that is passed on, asked for or agreed to. Everything else in an Upgrade field is dropped. */
  readonly upgrade: "websocket" | null;
}

export interface HttpRequestHead extends HttpHead {
  readonly method: string;
  readonly target: RequestTarget;
  readonly expectContinue: boolean;
  /** Value of the one Proxy-Authorization field, or null. */
  readonly proxyAuthorization: string | null;
}

export interface HttpResponseHead extends HttpHead {
  readonly status: number;
  readonly reason: string;
  /** Codings as the target listed them, or null: a client that did not ask for one still gets what was sent. */
  readonly transferEncoding: string | null;
  /** 1xx other than 101: another head follows. */
  readonly isInterim: boolean;
}
