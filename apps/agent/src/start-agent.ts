/**
 * Runs an enrolled device: keeps one connection to the gateway, relays what is asked while the owner's limits allow,
 * reports, and stops at once when it is told to.
 *
 * It dials again for ever, with full jitter (0 to 30 s after failures, 15 s to 5 min after a refusal). A gateway that
 * goes away politely keeps its old connection until its streams have ended, 30 s at most, beside the new one. One that
 * asks for a second connection (REDIAL) is served on the first until the second stands. Nothing that a gateway or a
 * target sends ends the process.
 *
 * Limits: two connections; a second one is tried 4 times, within 1.5 s, then after 1, 2 and 4 s.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type EgressAllow, type OwnerLimits, noEgressAllow } from "@karvon/domain";
import type { GoAwayName, RstName, Target, Tunnel, TunnelEnd, TunnelStream } from "@karvon/tunnel";
import { createDeferred } from "./deferred.ts";
import type { ControlPayloads } from "@karvon/wire";
import { describeDevice } from "./device/describe-device.ts";
import type { DeviceSource } from "./device/device-source.ts";
import type { AgentEvent, AgentSnapshot, AgentStatus, Place } from "./events.ts";
import { type Prover, makeAuthProof } from "./link/auth-proof.ts";
import { type Joined, joinGateway } from "./link/join-gateway.ts";
import { type WhyAgain, reconnectDelayMs } from "./reconnect-delay.ts";
import { type Resolver, limitLookups, systemResolver } from "./relay/connect-target.ts";
import { createOwnNetworks } from "./relay/own-networks.ts";
import { Relay } from "./relay/relay.ts";
import { type Serving, startServing } from "./serving.ts";
import type { AgentStore } from "./store/agent-store.ts";

/** A connection that served this long was a good one: the next failure is a first failure. */
const goodAfterMs = 10_000;
const stopTimeoutMs = 1_500;
/** A fleet that is asked at once must not dial at once. */
const redialSpreadMs = 1_000;
const redialsMax = 4;
const redialPauseMs = 1_000;

export interface AgentOptions {
  readonly store: AgentStore;
  /** Where the gateway is now, when it has moved since enrolment. The pinned key stays the same. */
  readonly gateway?: { readonly host: string; readonly port: number } | undefined;
  readonly limits: OwnerLimits;
  readonly device: DeviceSource;
  readonly description?: { readonly platform: string; readonly model: string };
  readonly onEvent?: (event: AgentEvent) => void;
  readonly egressAllow?: EgressAllow;
  readonly proxyProtocolSource?: { readonly address: string; readonly port: number } | undefined;
  readonly resolve?: Resolver;
  /** Multiplies every wait before dialling again; tests use less than 1. */
  readonly delayFactor?: number;
}

export interface Agent {
  /** Cuts everything that passes, tells the gateway, and ends. Resolves within 2 s. */
  stop(): Promise<void>;
  snapshot(): AgentSnapshot;
  /** Settles when the agent has stopped, for whatever reason. */
  readonly done: Promise<void>;
}

/** Refusals that are the gateway's own trouble and may be over in a moment. */
const passingCodes: ReadonlySet<string> = new Set(["internal", "auth_timeout"]);
type Refusal = ControlPayloads["refused"];

interface Link {
  readonly tunnel: Tunnel;
  /** False when the gateway refused: then it is over already. */
  readonly isReady: boolean;
  /** Settles when this connection serves no longer: it ended, or the gateway asked to leave it. */
  readonly over: Promise<LinkEnd>;
  /** Settles when the gateway asks for a second connection beside this one. */
  readonly redialAsked: Promise<"redial">;
}
interface LinkEnd {
  readonly why: WhyAgain;
  readonly reason: string;
}

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const run = new AgentRun(options);
  await run.begin();
  return run;
}

class AgentRun implements Agent {
  readonly done: Promise<void>;
  private readonly options: AgentOptions;
  private readonly own = createOwnNetworks();
  private readonly relay: Relay;
  private readonly prover: Prover;
  private readonly stopping = new AbortController();
  private serving: Serving | null = null;
  private phase: AgentSnapshot["phase"] = "connecting";
  private place: Place | null = null;
  private current: Tunnel | null = null;
  /** At most one: an older one is closed when the next begins to drain. */
  private draining: Tunnel | null = null;
  private readonly ended = createDeferred<void>();

  constructor(options: AgentOptions) {
    this.options = options;
    const rules = { allow: options.egressAllow ?? noEgressAllow, own: this.own, resolve: limitLookups(options.resolve ?? systemResolver) };
    this.relay = new Relay(rules, (event) => this.emit(event));
    const bootId = randomBytes(12).toString("base64url");
    this.prover = { store: options.store, bootId, description: options.description ?? describeDevice() };
    this.done = this.ended.promise;
  }

  async begin(): Promise<void> {
    const { store, limits, device } = this.options;
    this.serving = await startServing({
      store,
      limits,
      device,
      takeBytes: () => this.relay.takeBytes(),
      onStatus: (status) => {
        this.emit({ kind: "status", status });
        this.sendStatus(status);
      },
      onNotServing: (status) => this.relay.cutAll(cutCode(status)),
      onWithdrawn: () => void this.withdraw(),
    });
    void this.keepServing();
  }

  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return this.done;
    const tunnels = [this.current, this.draining].filter((tunnel) => tunnel !== null && !tunnel.isClosed);
    for (const tunnel of tunnels) tunnel?.goAway("ownerStopped");
    this.relay.cutAll("ownerStopped");
    for (const tunnel of tunnels) tunnel?.close();
    this.stopping.abort();
    // A tunnel sends what is queued for a second at most; the process must not wait longer for a dead network.
    await Promise.race([this.done, sleep(stopTimeoutMs, undefined, { ref: false })]);
  }

  snapshot(): AgentSnapshot {
    return { phase: this.phase, place: this.place, status: this.serving?.status() ?? null, streams: this.relay.list() };
  }

  private emit(event: AgentEvent): void {
    this.options.onEvent?.(event);
  }

  private sendStatus(status: AgentStatus): void {
    if (this.current && !this.current.isClosed) this.current.sendControl("status", status);
  }

  private async withdraw(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    if (this.current && !this.current.isClosed) this.current.sendControl("withdraw", {});
    this.emit({ kind: "withdrawn" });
    await this.stop();
  }

  /** One connection after the other until the agent is stopped. Never rejects. */
  private async keepServing(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      this.phase = "connecting";
      this.emit({ kind: "connecting", attempt });
      const startedAtMs = performance.now();
      const { why, reason } = await this.serveOnce();
      this.place = null;
      if (signal.aborted) break;
      if (performance.now() - startedAtMs > goodAfterMs) attempt = 1;
      this.phase = "waiting";
      const retryInMs = Math.round(reconnectDelayMs(why, attempt, Math.random()) * (this.options.delayFactor ?? 1));
      this.emit({ kind: "disconnected", reason, retryInMs });
      await sleep(retryInMs, undefined, { signal }).catch(() => undefined);
    }
    this.serving?.stop();
    this.phase = "stopped";
    this.emit({ kind: "stopped" });
    this.ended.resolve();
  }

  /** One connection and those that take its place without a gap, until the last of them is over. */
  private async serveOnce(): Promise<LinkEnd> {
    try {
      let link = await this.openLink();
      for (;;) {
        const end = await Promise.race([link.over, link.redialAsked]);
        const next = end === "redial" ? await this.openSecond() : null;
        if (next === null) return this.leave(link, await link.over);
        // What the older connection says from now on concerns its own streams only.
        this.keepDraining(link.tunnel);
        link = next;
      }
    } catch (cause) {
      return { why: "failed", reason: cause instanceof Error ? cause.message : "unknown failure" };
    }
  }

  private leave(link: Link, end: LinkEnd): LinkEnd {
    this.current = null;
    this.keepDraining(link.tunnel);
    return end;
  }

  private keepDraining(tunnel: Tunnel): void {
    this.draining?.close();
    this.draining = tunnel.isClosed ? null : tunnel;
  }

  /** A connection beside the one that serves; null when none could be made: then the first one goes on as long as it can. */
  private async openSecond(): Promise<Link | null> {
    const { signal } = this.stopping;
    const factor = this.options.delayFactor ?? 1;
    for (let attempt = 0; attempt < redialsMax && !signal.aborted; attempt += 1) {
      const pauseMs = attempt === 0 ? Math.random() * redialSpreadMs : redialPauseMs * 2 ** (attempt - 1);
      await sleep(pauseMs * factor, undefined, { signal }).catch(() => undefined);
      try {
        const link = await this.openLink();
        if (link.isReady) return link;
      } catch {
        // Tried again; the connection that serves is not touched.
      }
    }
    return null;
  }

  private async openLink(): Promise<Link> {
    const over = createDeferred<LinkEnd>();
    const redial = createDeferred<"redial">();
    const joined = await joinGateway({
      door: { ...this.options.store.identity.door, ...this.options.gateway },
      signal: this.stopping.signal,
      proxyProtocolSource: this.options.proxyProtocolSource,
      prove: (facts) => makeAuthProof(this.prover, facts),
      onOpen: (stream, target) => this.onOpen(stream, target),
      onRefused: (refusal) => over.resolve(this.showRefusal(refusal)),
      onGoAway: (reason) => over.resolve({ why: whyAfter(reason), reason: `the gateway said good-bye (${reason})` }),
      onRedial: () => redial.resolve("redial"),
      onClose: (end) => over.resolve({ why: "failed", reason: describeEnd(end) }),
    });
    const { tunnel } = joined;
    const refusal = readRefusal(joined);
    if (refusal) {
      tunnel.close();
      return { tunnel, isReady: false, over: Promise.resolve(this.showRefusal(refusal)), redialAsked: redial.promise };
    }
    if (this.stopping.signal.aborted) tunnel.close();
    else this.welcome(joined);
    return { tunnel, isReady: true, over: over.promise, redialAsked: redial.promise };
  }

  private showRefusal(refusal: Refusal): LinkEnd {
    this.emit({ kind: "refused", ...refusal });
    return { why: passingCodes.has(refusal.code) ? "failed" : "refused", reason: refusal.message };
  }

  private welcome({ tunnel, verdict, remote }: Joined): void {
    if (verdict.type !== "ready") return;
    this.current = tunnel;
    this.place = verdict.payload;
    this.own.publicAddress = verdict.payload.publicAddress;
    this.own.gateway = remote;
    this.phase = "serving";
    this.emit({ kind: "ready", place: verdict.payload });
    if (this.serving) this.sendStatus(this.serving.status());
  }

  private onOpen(stream: TunnelStream, target: Target): void {
    const status = this.serving?.status();
    if (status?.accepting === true && !this.stopping.signal.aborted) this.relay.accept(stream, target);
    else stream.reset(status ? cutCode(status) : "ownerStopped");
  }
}

function cutCode(status: AgentStatus): RstName {
  return status.reason === "daily_limit" ? "quota" : "ownerStopped";
}

function whyAfter(reason: GoAwayName): WhyAgain {
  if (reason === "shutdown") return "invited";
  // Another program serves with this device's key, or an operator stopped it: hurrying back helps nobody.
  return reason === "replaced" ? "replaced" : reason === "protocol" ? "failed" : "refused";
}

function readRefusal({ verdict }: Joined): Refusal | null {
  if (verdict.type === "ready") return null;
  if (verdict.type === "refused") return verdict.payload;
  return { code: "protocol", message: "the gateway gave an answer that makes no sense" };
}

function describeEnd(end: TunnelEnd): string {
  return end.detail === "" ? end.kind : `${end.kind}: ${end.detail}`;
}
