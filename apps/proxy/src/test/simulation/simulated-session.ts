/** A session of random traffic: chunks both ways at random moments until it is over, whoever ends it. */
import type { LiveNode } from "../../tunnel/live-node.ts";
import type { Exits } from "../../router/exits.ts";
import { createSharedCounts } from "../../session/shared-count.ts";
import { SessionSlot } from "../../session/session-limits.ts";
import { SessionLine } from "../../session/session-line.ts";
import type { UserAccount } from "../../session/accounts.ts";
import type { Exit } from "./ledger-lab.ts";
import type { Random } from "./random.ts";
import type { GatewayProcess } from "./simulated-gateway.ts";
import type { SimulatedStream } from "./simulated-stream.ts";

const chunkBytesMax = 65_536;
const chunk = Buffer.alloc(chunkBytesMax);
/** The router has no part in what is billed. */
const router = { ended: () => undefined } as unknown as Exits<LiveNode>;
const names = { opened: () => undefined, closed: () => undefined, drop: () => undefined };
const node = {} as LiveNode;
const shared = createSharedCounts();

export interface SessionPlan {
  readonly id: string;
  readonly exit: Exit;
  readonly maxBytes: number | null;
  readonly lifeMs: number;
  readonly random: Random;
}

export class SimulatedSession {
  readonly id: string;
  readonly user: UserAccount;
  readonly process: GatewayProcess;
  readonly traffic: SimulatedStream;
  readonly #line: SessionLine;
  readonly #random: Random;

  constructor(process: GatewayProcess, user: UserAccount, plan: SessionPlan) {
    const { quotas, sessions } = process.parts;
    const { clock } = process;
    const nowMs = (): number => clock.nowMs();
    this.id = plan.id;
    this.user = user;
    this.process = process;
    this.#random = plan.random;
    this.traffic = process.desk.open();
    this.#line = new SessionLine(
      { sessions, router, names, nowMs },
      {
        facts: factsOf(plan, user, process.openedNowMs()),
        node,
        attempt: {
          kind: "opened",
          stream: this.traffic.stream,
          connected: { address: "203.0.113.80", family: 4, connectMs: 20 },
          opening: { ended: null },
        },
        slot: new SessionSlot(user, shared),
        maxBytes: plan.maxBytes,
        tag: null,
        allowances: quotas.allowancesOf(user, null),
        sticky: null,
        isUnnamed: true,
      },
    );
    clock.setTimer(plan.lifeMs, () => this.finish());
    this.#moveSoon();
  }

  get isOpen(): boolean {
    return !this.process.isDead && !this.traffic.stream.isClosed;
  }

  finish(): void {
    if (this.isOpen) this.#line.finish();
  }

  #moveSoon(): void {
    this.process.clock.setTimer(this.#random.between(20, 900), () => {
      if (!this.isOpen) return;
      this.#move();
      this.#moveSoon();
    });
  }

  #move(): void {
    const random = this.#random;
    const part = chunk.subarray(0, random.chance(0.2) ? random.between(1, 100) : random.between(1, chunkBytesMax));
    if (random.chance(0.25)) this.traffic.stream.push(part);
    else this.traffic.stream.payload(part);
  }
}

function factsOf({ id, exit }: SessionPlan, user: UserAccount, openedAtMs: number) {
  const place = { exitAddress: "203.0.113.7", exitCountry: "DE", exitCity: null, exitAsn: 3320, connectionType: "wifi" };
  const rest = { clientAddress: null, hasPassword: true, stickySession: null, tag: null, connectMs: 20, failedAttempts: 0 };
  const { proxyUserId, client, priceId } = user;
  const target = { protocol: "connect" as const, targetHost: "example.com", targetPort: 443 };
  return { id, openedAtMs, clientId: client.clientId, proxyUserId, ...exit, priceId, ...target, ...place, ...rest };
}
