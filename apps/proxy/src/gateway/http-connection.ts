/**
 * HTTP/1.x on the proxy port: reads request heads, asks who it is, and hands each request to CONNECT or to an exchange.
 *
 * Requests are answered in their order, one at a time. Each is judged on its own: another user, another host or another
 * state of the account counts from the next request on. One session at most rests between two requests, for the next one
 * of the same credentials to the same target.
 *
 * Limits: 16 KiB a head, 64 KiB of input waiting while a request is served; times in http-timeouts.ts.
 */
import { type Refusal, refuse } from "@karvon/domain";
import { type HttpRequestHead, readRequestHead } from "@karvon/wire";
import type { Socket } from "node:net";
import { accountRefusal } from "../session/accounts.ts";
import type { AccessRefusal, Principal } from "../session/authorise.ts";
import type { OpenedSession } from "../session/open-session.ts";
import {
  breakOff,
  type ClientConnection,
  endGently,
  type GatewayContext,
  newRequestId,
  refuseHttp,
  takeBack,
} from "./client-connection.ts";
import { Deadline } from "./deadline.ts";
import { describeFault } from "./describe-fault.ts";
import { answerEcho, isEchoHost } from "./echo-answer.ts";
import { placeOf, protocolOf } from "./head-facts.ts";
import { type ExchangeEnd, HttpExchange } from "./http-exchange.ts";
import { ownText } from "./own-text.ts";
import { RequestAccess, refuseShape } from "./request-access.ts";
import { RestingUpstream } from "./resting-upstream.ts";
import { serveConnect } from "./serve-connect.ts";
import { Upstream, type UpstreamKey } from "./upstream.ts";

type AbsoluteTarget = Extract<HttpRequestHead["target"], { form: "absolute" }>;

/** A request that may be served. */
interface Admitted {
  readonly head: HttpRequestHead;
  readonly target: AbsoluteTarget;
  readonly principal: Principal;
}

const inputBytesMax = 65_536;
const nothing = Buffer.alloc(0);

export interface HttpConnectionEnd {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export class HttpConnection {
  readonly #context: GatewayContext;
  readonly #connection: ClientConnection;
  readonly #socket: Socket;
  readonly #settle: HttpConnectionEnd;
  readonly #deadline = new Deadline(() => this.#guard(() => this.#late()));
  #phase: "head" | "judging" | "serving" | "over" = "head";
  /** All that has come and was not used: of a request that is judged the whole head still, and what is behind it. */
  #input: Buffer = nothing;
  #headBytes = 0;
  #isHeadBegun = true;
  #hasEnded = false;
  #exchange: HttpExchange | null = null;
  readonly #resting: RestingUpstream;
  readonly #access: RequestAccess;

  constructor(context: GatewayContext, connection: ClientConnection, settle: HttpConnectionEnd) {
    this.#context = context;
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#settle = settle;
    this.#access = new RequestAccess(context, connection);
    this.#resting = new RestingUpstream(context.nowMs);
  }

  /** `early` was read already. */
  start(early: Buffer): void {
    const socket = this.#socket;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
    this.#deadline.set(this.#context.timeouts.headMs);
    if (early.length > 0) this.#onData(early);
    if (socket.destroyed) this.#onClose();
    else if (socket.readableEnded) this.#onEnd();
    else this.#readOn();
  }

  /** The gateway takes no new requests: a connection between two of them ends. */
  retire(): void {
    if (this.#phase === "head" && !this.#isHeadBegun) this.#leave("");
  }

  readonly #onData = (chunk: Buffer): void => this.#guard(() => this.#received(chunk));
  readonly #onEnd = (): void => this.#guard(() => this.#ended());
  readonly #onDrain = (): void => this.#guard(() => this.#drained());
  readonly #onClose = (): void => this.#guard(() => this.#gone());

  /** What fails unforeseen ends this connection and no other. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#fault(cause);
    }
  }

  readonly #fault = (cause: unknown): void => {
    this.#exchange?.abandon();
    this.#letGo();
    this.#socket.destroy();
    this.#settle.reject(cause);
  };

  // Reading

  #received(chunk: Buffer): void {
    let rest = chunk;
    const exchange = this.#exchange;
    if (exchange !== null && exchange.isUploading) rest = chunk.subarray(exchange.uploaded(chunk));
    if (rest.length === 0 || this.#phase === "over") return;
    this.#input = this.#input.length === 0 ? rest : Buffer.concat([this.#input, rest]);
    if (this.#phase === "head") this.#readHead();
    else if (this.#input.length >= inputBytesMax) this.#socket.pause();
  }

  #readOn(): void {
    if (this.#phase !== "over" && this.#input.length < inputBytesMax) this.#socket.resume();
  }

  #readHead(): void {
    if (!this.#isHeadBegun && isNothing(this.#input) && !this.#hasEnded) return;
    const feed = readRequestHead(this.#input);
    if (!this.#isHeadBegun) {
      this.#isHeadBegun = true;
      this.#context.resting.delete(this);
      if (feed.kind === "more") this.#deadline.set(this.#context.timeouts.headMs);
    }
    if (feed.kind === "malformed") {
      this.#refuseUnread(`the request is malformed: ${describeFault(feed.reason)}`);
    } else if (feed.kind === "message") {
      this.#headBytes = feed.consumed;
      this.#judge(feed.message);
    } else if (this.#hasEnded) {
      this.#refuseUnread("the request ended before its head was complete");
    }
  }

  /** Under the name of its user where that can be told, so that the refusal is found in the client's panel too. */
  #refuseUnread(detail: string): void {
    const input = this.#input;
    this.#phase = "judging";
    this.#deadline.lift();
    this.#access
      .identifyUnread(input)
      .then((account) => this.#refuse(refuse("bad_request", detail), { access: { account } }))
      .catch(this.#fault);
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#phase === "serving") this.#exchange?.clientEnded();
    if (this.#phase !== "head") return;
    if (!this.#isHeadBegun && isNothing(this.#input)) this.#leave("");
    else if (this.#input.length === 0) this.#leave("");
    else this.#readHead();
  }

  #drained(): void {
    if (this.#exchange !== null) this.#exchange.drained();
    else this.#resting.drained();
  }

  #late(): void {
    const { timeouts } = this.#context;
    if (this.#exchange !== null) this.#exchange.late();
    else if (this.#phase !== "head") return;
    else if (this.#isHeadBegun) this.#refuseUnread(`the request's head did not come within ${timeouts.headMs / 1_000} s`);
    else if (this.#resting.isEmpty) this.#leave("");
    else {
      this.#resting.end();
      this.#deadline.set(Math.max(0, timeouts.keepAliveMs - timeouts.restMs));
    }
  }

  // Judging

  #judge(head: HttpRequestHead): void {
    this.#phase = "judging";
    this.#deadline.lift();
    const { target } = head;
    const refusal = refuseShape(this.#context, this.#connection, head);
    if (refusal !== null) {
      this.#access
        .identify(head)
        .then((account) => this.#refuse(refusal, { head, access: { account } }))
        .catch(this.#fault);
    } else if (target.form === "asterisk") {
      this.#leave(optionsAnswer);
    } else {
      const access = this.#access.recall(head);
      if (access !== null) this.#judged(head, access);
      else
        this.#access
          .lookUp(head)
          .then((found) => this.#judged(head, found))
          .catch(this.#fault);
    }
  }

  #judged(head: HttpRequestHead, access: Principal | AccessRefusal): void {
    if (this.#phase === "over") return;
    if (access.kind === "refused") {
      this.#refuse(access.refusal, { head, access });
      return;
    }
    this.#connection.prove();
    this.#access.remember(head, access);
    // Until here the request is whole in `#input`, and nothing was done for it.
    this.#input = this.#headBytes === this.#input.length ? nothing : this.#input.subarray(this.#headBytes);
    const { target } = head;
    if (target.form === "authority") this.#tunnel(target, access);
    else if (target.form !== "absolute") return;
    else if (isEchoHost(target.host)) this.#echo({ head, target, principal: access });
    else this.#forward({ head, target, principal: access });
  }

  // Serving

  /** From here on the connection is a tunnel, and nothing of this stays. */
  #tunnel(target: Extract<HttpRequestHead["target"], { form: "authority" }>, principal: Principal): void {
    const early = this.#input;
    this.#letGo();
    const request = { requestId: newRequestId(), target, principal, early };
    serveConnect(this.#context, this.#connection, request).then(this.#settle.resolve, this.#settle.reject);
  }

  #echo({ head, target, principal }: Admitted): void {
    const requestId = newRequestId();
    answerEcho(this.#context, { requestId, principal, port: target.port }, head.method === "HEAD")
      .then((answer) => {
        if ("code" in answer) this.#refuse(answer, { head, access: principal, requestId });
        else this.#leave(answer);
      })
      .catch(this.#fault);
  }

  #forward(request: Admitted): void {
    const upstream = this.#resting.take(request.head, request.target, request.principal.account);
    if (upstream === null) {
      this.#open(request, null);
      return;
    }
    const refusal = this.#context.opener.refuseAnother(upstream.opened);
    if (refusal === null) {
      this.#serve(request, upstream, null);
      return;
    }
    upstream.finish();
    this.#refuse(refusal, { head: request.head, access: request.principal });
  }

  /** `replay`: the request as it was sent on a session that turned out to be over. */
  #open(request: Admitted, replay: Buffer | null, requestId = newRequestId()): void {
    const { target, principal } = request;
    const { address: callerAddress, socket: client } = this.#connection;
    this.#context.opener
      .open({ requestId, principal, protocol: "http", host: target.host, port: target.port, callerAddress, client })
      .then((opened) => this.#opened(request, requestId, opened, replay))
      .catch(this.#fault);
  }

  #opened(request: Admitted, requestId: string, opened: OpenedSession | Refusal, replay: Buffer | null): void {
    if (opened.kind === "refused") {
      this.#refuse(opened, { head: request.head, access: request.principal, requestId });
      return;
    }
    if (this.#phase === "over") {
      opened.line.stream.reset("cancelled");
      takeBack(this.#context, opened.line.live);
      return;
    }
    const { target } = request;
    const key: UpstreamKey = { authorization: this.#access.authorization, host: ownText(target.host), port: target.port };
    const upstream = new Upstream({ opened, key, socket: this.#socket, onRestEnded: this.#onRestEnded, onFault: this.#fault });
    this.#serve(request, upstream, replay);
  }

  readonly #onRestEnded = (): void => this.#resting.forget();

  #serve(request: Admitted, upstream: Upstream, replay: Buffer | null): void {
    this.#phase = "serving";
    const isReused = upstream.hasAnswered;
    const exchange = new HttpExchange({
      head: request.head,
      upstream,
      isReused,
      socket: this.#socket,
      deadline: this.#deadline,
      timeouts: this.#context.timeouts,
      mayKeepAlive: this.#context.mayKeepAlive,
      explainEnd: () => accountRefusal(request.principal.account),
      mayReadOn: () => this.#input.length < inputBytesMax,
      onEnd: (end) => this.#exchanged(request, upstream, isReused, end),
    });
    this.#exchange = exchange;
    if (replay === null) {
      const used = exchange.start(this.#input);
      if (this.#exchange === exchange) this.#input = used === this.#input.length ? nothing : this.#input.subarray(used);
    } else {
      exchange.startAgain(replay);
    }
    if (this.#exchange !== exchange) return;
    if (!exchange.isTargetSlow) this.#readOn();
    if (this.#hasEnded) exchange.clientEnded();
  }

  #exchanged(request: Admitted, upstream: Upstream, isReused: boolean, end: ExchangeEnd): void {
    this.#exchange = null;
    if (end.kind === "answered") {
      this.#answered(upstream, end);
    } else if (end.kind === "switched") {
      this.#pipe(upstream, end.bytes);
    } else {
      upstream.finish();
      this.#failed(request, upstream, isReused, end);
    }
  }

  #failed(request: Admitted, upstream: Upstream, isReused: boolean, end: Exclude<ExchangeEnd, { kind: "answered" | "switched" }>): void {
    if (end.kind === "cut") {
      // Not `end`: the client must see that the body was cut (RFC 9112, section 8).
      this.#letGo();
      breakOff(this.#socket);
      this.#settle.resolve();
    } else if (end.kind === "stale") {
      this.#phase = "judging";
      this.#deadline.lift();
      this.#open(request, end.request);
    } else {
      const about = { head: request.head, access: request.principal };
      const { live } = upstream.opened.line;
      if (isReused) this.#refuse(end.refusal, { ...about, isBilled: true });
      else this.#refuse(end.refusal, { ...about, requestId: live.facts.id, isBilled: takeBack(this.#context, live) });
    }
  }

  #answered(upstream: Upstream, end: { readonly isPersistent: boolean; readonly rests: boolean }): void {
    if (!end.rests) upstream.finish();
    if (!end.isPersistent || (this.#hasEnded && isNothing(this.#input))) {
      upstream.finish();
      this.#leave("");
      return;
    }
    if (end.rests) this.#resting.put(upstream);
    this.#phase = "head";
    this.#isHeadBegun = false;
    this.#context.resting.add(this);
    this.#deadline.set(end.rests ? this.#context.timeouts.restMs : this.#context.timeouts.keepAliveMs);
    if (this.#input.length > 0) this.#readHead();
    this.#readOn();
  }

  /** WebSocket: both ways as they come, like a tunnel. */
  #pipe(upstream: Upstream, bytes: Buffer): void {
    const early = this.#input;
    this.#letGo();
    this.#socket.write(bytes);
    upstream.opened.line.stream.attach(this.#socket, early);
    this.#settle.resolve();
  }

  // Ending

  #refuse(
    refusal: Refusal,
    about: { head?: HttpRequestHead; access?: Pick<AccessRefusal, "account">; requestId?: string; isBilled?: boolean } = {},
  ): void {
    if (this.#phase === "over") return;
    const { head } = about;
    this.#letGo();
    refuseHttp(this.#context, this.#connection, {
      requestId: about.requestId ?? newRequestId(),
      refusal,
      protocol: head === undefined ? "unknown" : protocolOf(head),
      account: about.access?.account ?? null,
      isHead: head?.method === "HEAD",
      isBilled: about.isBilled ?? false,
      ...placeOf(head),
    });
    this.#settle.resolve();
  }

  #leave(lastBytes: string | Buffer): void {
    this.#letGo();
    endGently(this.#socket, lastBytes);
    this.#settle.resolve();
  }

  #gone(): void {
    if (this.#phase === "over") return;
    this.#exchange?.abandon();
    this.#letGo();
    this.#settle.resolve();
  }

  /** Takes everything away from the socket. Whoever has it next reads on. */
  #letGo(): void {
    const socket = this.#socket;
    this.#phase = "over";
    this.#context.resting.delete(this);
    this.#deadline.clear();
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    this.#resting.end();
    this.#exchange = null;
    this.#input = nothing;
  }
}

const optionsAnswer =
  "HTTP/1.1 204 No Content\r\nAllow: CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\nConnection: close\r\n\r\n";

/** An empty line behind a body is no request yet (RFC 9112, section 2.2). */
function isNothing(input: Buffer): boolean {
  return input.length === 0 || (input[0] === 0x0d && (input.length === 1 || (input.length === 2 && input[1] === 0x0a)));
}
