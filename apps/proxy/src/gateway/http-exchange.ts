/**
 * One absolute-form request and its answer, between a client's socket and an upstream.
 *
 * Nothing here waits: whatever arrives is looked at once and goes on in the same turn, a head together with the body bytes
 * that came along. Until the answer's head has gone on a failure is a refusal; after it the connection is broken off, so
 * that a cut answer never looks like a whole one. It opens no session and reads no request head.
 *
 * Limits: 64 KiB answer head, 10 interim answers; times in http-timeouts.ts.
 */
import { type Refusal, refuse } from "@karvon/domain";
import {
  BodyScanner,
  type HttpRequestHead,
  type HttpResponseHead,
  readResponseHead,
  writeForwardedRequest,
  writeForwardedResponse,
} from "@karvon/wire";
import type { Socket } from "node:net";
import type { Deadline } from "./deadline.ts";
import { describeFault } from "./describe-fault.ts";
import type { HttpTimeouts } from "./http-timeouts.ts";
import type { Upstream, UpstreamUser } from "./upstream.ts";

export type ExchangeEnd =
  /** The answer is whole. `rests` when the upstream can take another request. */
  | { readonly kind: "answered"; readonly isPersistent: boolean; readonly rests: boolean }
  /** The target agreed to another protocol: from now on bytes pass as they are. `bytes` go to the client first. */
  | { readonly kind: "switched"; readonly bytes: Buffer }
  /** The target had closed the connection that the request was sent on; it may be sent again, as it stands. */
  | { readonly kind: "stale"; readonly request: Buffer }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The answer broke off behind its head. */
  | { readonly kind: "cut" };

export interface ExchangeOptions {
  readonly head: HttpRequestHead;
  readonly upstream: Upstream;
  /** Whether the upstream has carried an answer before. */
  readonly isReused: boolean;
  readonly socket: Socket;
  readonly deadline: Deadline;
  readonly timeouts: HttpTimeouts;
  /** Whether the client's connection may serve another request. */
  readonly mayKeepAlive: () => boolean;
  /** Why the account may not move bytes any more, when that is why the session ended. */
  readonly explainEnd: () => Refusal | null;
  readonly mayReadOn: () => boolean;
  /** Called once. The exchange has let go of the upstream, but not ended it. */
  readonly onEnd: (end: ExchangeEnd) => void;
}

const interimsMax = 10;
const nothing = Buffer.alloc(0);
/** RFC 9110, section 9.2.2; TRACE is not served. */
const idempotentMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

export class HttpExchange implements UpstreamUser {
  readonly upstream: Upstream;
  /** It takes no more for now, and the client's socket is paused. */
  isTargetSlow = false;
  readonly #options: ExchangeOptions;
  readonly #head: HttpRequestHead;
  #upload: BodyScanner;
  /** The whole request, while it may still be sent again. */
  #replay: Buffer | null = null;
  #isSent = false;
  #hasBodyBegun = false;
  #hasContinued = false;
  #interims = 0;
  /** A part of the answer's head. */
  #partial: Buffer = nothing;
  #answer: BodyScanner | null = null;
  #endsByClosing = false;
  /** The client speaks HTTP/1.0 and knows no chunks: their content goes on, and closing ends it. */
  #isUnchunked = false;
  #isPersistent = false;
  #mayRest = false;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#head = options.head;
    this.upstream = options.upstream;
    this.#upload = new BodyScanner(options.head.body);
  }

  get isUploading(): boolean {
    return !this.#isOver && !this.#upload.isComplete;
  }

  /** Sends the head with the body bytes at hand; answers how many of them it took. */
  start(input: Buffer): number {
    const used = this.#upload.take(input);
    if (used < 0) {
      this.#refuse(malformedBody(this.#upload.fault));
      return 0;
    }
    this.#hasBodyBegun = used > 0;
    const keepAlive = this.#head.keepAlive && this.#head.version === "1.1";
    const request = writeForwardedRequest(this.#head, { keepAlive }, used === input.length ? input : input.subarray(0, used));
    this.#begin(request);
    return used;
  }

  /** Sends a request again that another exchange has written. It was whole. */
  startAgain(request: Buffer): void {
    this.#upload = new BodyScanner({ kind: "none" });
    this.#begin(request);
  }

  #begin(request: Buffer): void {
    const { isReused, upstream } = this.#options;
    if (isReused && this.#upload.isComplete && isIdempotent(this.#head.method)) this.#replay = request;
    upstream.user = this;
    if (!isReused) upstream.connect();
    if (this.#isOver) return;
    this.#isSent = true;
    this.#send(request);
    this.#waitForMore();
  }

  /** More bytes from the client, while `isUploading`; answers how many belong to the body. */
  uploaded(chunk: Buffer): number {
    const used = this.#upload.take(chunk);
    if (used < 0) {
      this.#fail(malformedBody(this.#upload.fault));
      return 0;
    }
    this.#hasBodyBegun = true;
    this.#send(used === chunk.length ? chunk : chunk.subarray(0, used));
    if (this.#answer === null) this.#waitForMore();
    return used;
  }

  #send(bytes: Buffer): void {
    if (this.upstream.send(bytes)) return;
    this.isTargetSlow = true;
    this.#options.socket.pause();
  }

  /** Whose turn it is: the client's to go on with its body, or the target's. */
  #waitForMore(): void {
    const { deadline, timeouts } = this.#options;
    deadline.set(this.#isClientsTurn() ? timeouts.uploadIdleMs : timeouts.responseMs);
  }

  #isClientsTurn(): boolean {
    if (this.#upload.isComplete || this.isTargetSlow) return false;
    const waitsForContinue = this.#head.expectContinue && !this.#hasContinued && !this.#hasBodyBegun;
    return !waitsForContinue;
  }

  /** The deadline is reached. */
  late(): void {
    const { uploadIdleMs, responseMs } = this.#options.timeouts;
    if (this.#answer !== null) this.#end({ kind: "cut" });
    else if (this.#isClientsTurn()) this.#refuse(refuse("bad_request", `the request's body stopped for ${uploadIdleMs / 1_000} s`));
    else this.#refuse(refuse("response_timeout", `no answer came within ${responseMs / 1_000} s`));
  }

  /** The client said that it sends no more. */
  clientEnded(): void {
    if (this.isUploading && this.#answer === null) this.#refuse(refuse("bad_request", "the request's body ended early"));
  }

  /** Nobody is there any more. */
  abandon(): void {
    this.#isOver = true;
    this.upstream.abandon();
  }

  /** The client has taken everything that it was given. */
  drained(): void {
    if (this.#answer !== null && !this.#isOver) this.#options.deadline.set(this.#options.timeouts.answerIdleMs);
    this.upstream.drained();
  }

  // What the target does

  targetHasRoom(): void {
    this.isTargetSlow = false;
    if (this.#answer === null) this.#waitForMore();
    if (this.#options.mayReadOn()) this.#options.socket.resume();
  }

  answered(chunk: Buffer): boolean {
    if (this.#answer !== null) return this.#passBody(this.#answer, chunk);
    if (!this.#isSent) {
      this.#refuse(refuse("target_reset", "the target spoke before it was asked"));
      return true;
    }
    return this.#readHeads(this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]));
  }

  targetEnded(): void {
    if (this.#answer === null) this.#lost("the target closed");
    else if (this.#endsByClosing) this.#complete(false);
    else this.#end({ kind: "cut" });
  }

  targetLost(): void {
    if (this.#answer === null) this.#lost("the connection to the target was lost");
    else this.#end({ kind: "cut" });
  }

  #lost(what: string): void {
    const isUntouched = this.#partial.length === 0 && this.#interims === 0;
    if (isUntouched && this.#replay !== null) {
      this.#end({ kind: "stale", request: this.#replay });
      return;
    }
    const where = this.#partial.length > 0 ? "in the middle of its answer's head" : "without an answer";
    this.#refuse(this.#options.explainEnd() ?? refuse("target_reset", `${what} ${where}`));
  }

  /** Interim answers and the final one, as far as they are whole. */
  #readHeads(input: Buffer): boolean {
    let rest = input;
    while (rest.length > 0) {
      const feed = readResponseHead(rest, this.#head.method);
      if (feed.kind === "more") break;
      if (feed.kind === "malformed") {
        this.#refuse(refuse("target_reset", `the answer is not valid HTTP: ${describeFault(feed.reason)}`));
        return true;
      }
      rest = rest.subarray(feed.consumed);
      const head = feed.message;
      if (head.status === 101) return this.#switch(head, rest);
      if (!head.isInterim) return this.#passHead(head, rest);
      if (!this.#passInterim(head)) return true;
    }
    this.#partial = rest;
    return true;
  }

  /** HTTP/1.0 knows no interim answers (RFC 9110, section 15.2). */
  #passInterim(head: HttpResponseHead): boolean {
    this.#interims += 1;
    if (this.#interims > interimsMax) {
      this.#refuse(refuse("target_reset", `the target sent more than ${interimsMax} interim answers`));
      return false;
    }
    if (this.#head.version === "1.1") this.#options.socket.write(writeForwardedResponse(head, { keepAlive: true }));
    if (head.status === 100) this.#hasContinued = true;
    this.#waitForMore();
    return true;
  }

  #passHead(head: HttpResponseHead, rest: Buffer): boolean {
    const answer = new BodyScanner(head.body);
    this.#isUnchunked = this.#head.version === "1.0" && head.body.kind === "chunked";
    const parts: Buffer[] | undefined = this.#isUnchunked ? [] : undefined;
    const used = answer.take(rest, parts);
    if (used < 0) {
      this.#refuse(refuse("target_reset", `the answer is not valid HTTP: ${describeFault(answer.fault)}`));
      return true;
    }
    this.#answer = answer;
    this.#partial = nothing;
    this.#replay = null;
    this.#endsByClosing = head.body.kind === "close";
    // An answer that comes before the whole request leaves the rest of the request in the way of the next one.
    const mayPersist = this.#head.keepAlive && this.#upload.isComplete && this.#options.mayKeepAlive();
    this.#isPersistent = mayPersist && !this.#endsByClosing && !this.#isUnchunked;
    this.#mayRest = this.#isPersistent && head.keepAlive && this.#head.version === "1.1";
    const hasRoom = this.#options.socket.write(this.#headWith(head, parts === undefined ? part(rest, used) : Buffer.concat(parts)));
    this.#afterBytes(answer, rest.length > used);
    return hasRoom;
  }

  #headWith(head: HttpResponseHead, bytes: Buffer): Buffer {
    const options = { keepAlive: this.#isPersistent, ownLines: this.upstream.takeOwnLines() };
    return writeForwardedResponse(this.#isUnchunked ? withoutChunks(head) : head, options, bytes);
  }

  #passBody(answer: BodyScanner, chunk: Buffer): boolean {
    const parts: Buffer[] | undefined = this.#isUnchunked ? [] : undefined;
    const used = answer.take(chunk, parts);
    if (used < 0) {
      this.#end({ kind: "cut" });
      return true;
    }
    const hasRoom = this.#options.socket.write(parts === undefined ? part(chunk, used) : Buffer.concat(parts));
    this.#afterBytes(answer, chunk.length > used);
    return hasRoom;
  }

  #afterBytes(answer: BodyScanner, hasExtra: boolean): void {
    if (answer.isComplete) this.#complete(!hasExtra);
    else this.#options.deadline.set(this.#options.timeouts.answerIdleMs);
  }

  #complete(isClean: boolean): void {
    this.#end({ kind: "answered", isPersistent: this.#isPersistent, rests: this.#mayRest && isClean && !this.upstream.destroyed });
  }

  /** Taken only as the answer to a request for the same protocol (RFC 9110, section 15.2.2). */
  #switch(head: HttpResponseHead, rest: Buffer): boolean {
    if (this.#head.upgrade === null || head.upgrade !== this.#head.upgrade) {
      this.#refuse(refuse("target_reset", "the target changed the protocol without being asked"));
      return true;
    }
    const options = { keepAlive: false, ownLines: this.upstream.takeOwnLines() };
    this.#end({ kind: "switched", bytes: writeForwardedResponse(head, options, rest) });
    return true;
  }

  // Ending

  #fail(refusal: Refusal): void {
    if (this.#answer === null) this.#refuse(refusal);
    else this.#end({ kind: "cut" });
  }

  #refuse(refusal: Refusal): void {
    this.#end({ kind: "refused", refusal });
  }

  #end(end: ExchangeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.upstream.user = null;
    this.#options.onEnd(end);
  }
}

function malformedBody(fault: string): Refusal {
  return refuse("bad_request", `the request's body is malformed: ${describeFault(fault)}`);
}

function part(bytes: Buffer, length: number): Buffer {
  return length === bytes.length ? bytes : bytes.subarray(0, length);
}

/** Codings other than chunked stay named: their bytes go on as they are. */
function withoutChunks(head: HttpResponseHead): HttpResponseHead {
  const codings = (head.transferEncoding ?? "").split(",").slice(0, -1).join(",").trim();
  return { ...head, body: { kind: "close" }, transferEncoding: codings === "" ? null : codings };
}
