/** Who asks, request by request: another user on the same connection is another question. */
import { type Refusal, refuse } from "@karvon/domain";
import { findProxyAuthorization, type HttpRequestHead, readBasicCredentials } from "@karvon/wire";
import type { UserAccount } from "../session/accounts.ts";
import type { AccessRefusal, Login, Principal } from "../session/authorise.ts";
import { type ClientConnection, delayGuess, type GatewayContext } from "./client-connection.ts";
import { ownText } from "./own-text.ts";

/** What needs no account to be refused. */
export function refuseShape(context: GatewayContext, connection: ClientConnection, head: HttpRequestHead): Refusal | null {
  const { target } = head;
  if (connection.shedding !== null) return connection.shedding;
  if (context.isDraining()) return refuse("draining", "the gateway is stopping");
  if (target.form === "origin") return refuse("no_destination", "the request line holds a path only");
  if (target.form === "absolute" && target.scheme !== "http") {
    return refuse("bad_request", `a ${target.scheme} URL goes through CONNECT`);
  }
  return null;
}

/** The last login of a connection that was good: the next request with the same one costs no password check. */
export class RequestAccess {
  readonly #context: Pick<GatewayContext, "authoriser" | "tarpit">;
  readonly #connection: Pick<ClientConnection, "address" | "stickyPort" | "socket">;
  #authorization: string | null = null;
  #principal: Principal | null = null;

  constructor(
    context: Pick<GatewayContext, "authoriser" | "tarpit">,
    connection: Pick<ClientConnection, "address" | "stickyPort" | "socket">,
  ) {
    this.#context = context;
    this.#connection = connection;
  }

  /** The value of Proxy-Authorization that was good last; null for an allowlisted address. */
  get authorization(): string | null {
    return this.#authorization;
  }

  /** What can be told at once, above all of the credentials of the request before; null when they must be looked up. */
  recall(head: HttpRequestHead): Principal | AccessRefusal | null {
    if (this.#principal !== null && head.proxyAuthorization === this.#authorization) {
      return this.#context.authoriser.renew(this.#principal);
    }
    const login = loginOf(head);
    return login === null || login === "malformed" ? null : this.#context.authoriser.recall(login, this.#connection);
  }

  async lookUp(head: HttpRequestHead): Promise<Principal | AccessRefusal> {
    const login = loginOf(head);
    if (login === "malformed") {
      return { kind: "refused", refusal: refuse("auth_failed", "Proxy-Authorization is not well-formed Basic"), account: null };
    }
    const access = await this.#context.authoriser.authorise(login, this.#connection);
    await delayGuess(this.#context.tarpit, this.#connection.socket, access);
    return access;
  }

  /** Whom the credentials prove, so that a refusal for another reason is shown to them. */
  async identify(head: Pick<HttpRequestHead, "proxyAuthorization">): Promise<UserAccount | null> {
    const login = loginOf(head);
    return login === "malformed" ? null : this.#context.authoriser.identify(login, this.#connection);
  }

  /** The same for a head that could not be read: only credentials that stand in it as a whole line count. */
  async identifyUnread(input: Buffer): Promise<UserAccount | null> {
    const proxyAuthorization = findProxyAuthorization(input);
    return proxyAuthorization === null ? null : this.identify({ proxyAuthorization });
  }

  remember(head: HttpRequestHead, principal: Principal): void {
    if (principal === this.#principal) return;
    this.#principal = principal;
    if (head.proxyAuthorization !== this.#authorization) {
      this.#authorization = head.proxyAuthorization === null ? null : ownText(head.proxyAuthorization);
    }
  }
}

function loginOf(head: Pick<HttpRequestHead, "proxyAuthorization">): Login | null | "malformed" {
  if (head.proxyAuthorization === null) return null;
  return readBasicCredentials(head.proxyAuthorization) ?? "malformed";
}
