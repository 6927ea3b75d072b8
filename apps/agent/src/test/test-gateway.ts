/**
 * A gateway for tests: real TLS, the real tunnel, real signatures; no database, no clients.
 *
 * It admits nodes that enrolled with one of its codes, and says exactly what the tests ask it to say.
 */
import { X509Certificate, createHash, randomBytes } from "node:crypto";
import { type Server, type Socket, createServer } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";
import { newId } from "@karvon/domain";
import {
  authMessage,
  channelBinding,
  consentMessage,
  enrolMessage,
  hashEnrolmentToken,
  makeEnrolmentCode,
  verifyDeviceSignature,
} from "@karvon/security";
import { type Connected, type RstName, type StreamEnd, type Tunnel, type TunnelStream, createTunnel } from "@karvon/tunnel";
import type { ControlPayloads } from "@karvon/wire";
import { createDeferred } from "../deferred.ts";
import { pinned } from "./certificates.ts";

export interface OpenedStream {
  readonly stream: TunnelStream;
  readonly outcome: Promise<{ kind: "opened"; connected: Connected } | { kind: "refused"; code: RstName | "lost" }>;
  readonly end: Promise<StreamEnd>;
}

interface EnrolledNode {
  readonly keyId: string;
  readonly publicKey: Buffer;
  sessionSeq: number;
}

export class TestGateway {
  readonly gatewayId = newId("gwy");
  readonly challenges: number[] = [];
  readonly ready: Tunnel[] = [];
  readonly statuses: ControlPayloads["status"][] = [];
  readonly sessionSeqs: number[] = [];
  readonly goAways: string[] = [];
  readonly proxyHeaders: string[] = [];
  withdrawals = 0;
  failures: string[] = [];
  refuseWith: { code: string; message: string } | null = null;
  certificate = pinned;
  private readonly tokens = new Map<string, string>();
  private readonly nodes = new Map<string, EnrolledNode>();
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  port = 0;

  async listen(port = 0): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const address = server.address();
    this.port = typeof address === "object" && address ? address.port : 0;
  }

  /** A new enrolment code whose pin is the key of `pinned`, whatever certificate is shown. */
  makeCode(): string {
    const spki = new X509Certificate(pinned.cert).publicKey.export({ type: "spki", format: "der" });
    const spkiPin = createHash("sha256").update(spki).digest("base64url");
    const { code, tokenHash } = makeEnrolmentCode({ host: "127.0.0.1", port: this.port, spkiPin });
    this.tokens.set(tokenHash.toString("hex"), "fresh");
    return code;
  }

  /** Cuts every connection without a word, as a network does. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.ready.length = 0;
  }

  async close(): Promise<void> {
    const { server } = this;
    this.drop();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  node(): Tunnel {
    const tunnel = this.ready.at(-1);
    if (!tunnel) throw new Error("no node is ready");
    return tunnel;
  }

  open(host: string, port: number): OpenedStream {
    const end = createDeferred<StreamEnd>();
    let stream: TunnelStream | null = null;
    const outcome: OpenedStream["outcome"] = new Promise((resolve) => {
      stream = this.node().open(
        { host, port },
        {
          onOpened: (connected) => resolve({ kind: "opened", connected }),
          onRefused: (code) => resolve({ kind: "refused", code }),
          onEnd: end.resolve,
        },
      );
    });
    if (!stream) throw new Error("the tunnel opened nothing");
    return { stream, outcome, end: end.promise };
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.sockets.delete(socket));
    socket.once("readable", () => {
      const first: Buffer | null = socket.read();
      if (!first) return void socket.destroy();
      const line = first.indexOf("\r\n");
      const hasHeader = first.subarray(0, 6).toString() === "PROXY " && line > 0;
      if (hasHeader) this.proxyHeaders.push(first.subarray(0, line).toString());
      socket.unshift(hasHeader ? first.subarray(line + 2) : first);
      return this.startTls(socket);
    });
  }

  private startTls(socket: Socket): void {
    const secureContext = createSecureContext({ ...this.certificate, minVersion: "TLSv1.3" });
    const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ["karvon/1"] });
    tls.on("error", () => socket.destroy());
    tls.once("secure", () => this.converse(tls));
  }

  private converse(tls: TLSSocket): void {
    const nonce = randomBytes(32);
    const facts = { gatewayId: this.gatewayId, nonce, channelBinding: channelBinding(tls) };
    const tunnel = createTunnel({
      socket: tls,
      role: "gateway",
      onControl: (message) => {
        if (message.type === "auth") this.onAuth(tunnel, message.payload, facts);
        else if (message.type === "enrol") this.onEnrol(tunnel, message.payload, facts);
        else if (message.type === "status") this.statuses.push(message.payload);
        else if (message.type === "withdraw") {
          this.withdrawals += 1;
          tunnel.close();
        }
      },
      onGoAway: (reason) => this.goAways.push(reason),
    });
    this.challenges.push(Date.now());
    tunnel.sendControl("challenge", { gatewayId: this.gatewayId, nonce: nonce.toString("base64url"), protocol: 1 });
  }

  private refuse(tunnel: Tunnel, code: string, message: string): void {
    tunnel.sendControl("refused", { code, message });
    tunnel.close();
  }

  private onAuth(tunnel: Tunnel, auth: ControlPayloads["auth"], facts: Facts): void {
    const node = this.nodes.get(auth.nodeId);
    const { keyId, nodeId, bootId, sessionSeq } = auth;
    const signed = authMessage({ ...facts, nodeId, keyId, bootId, sessionSeq: BigInt(sessionSeq) });
    const isProven = node && verifyDeviceSignature("p256", node.publicKey, signed, Buffer.from(auth.signature, "base64url"));
    if (!isProven || sessionSeq <= node.sessionSeq) {
      this.failures.push(isProven ? "old session number" : "bad signature");
      return this.refuse(tunnel, "auth_failed", "The proof is wrong.");
    }
    node.sessionSeq = sessionSeq;
    this.sessionSeqs.push(sessionSeq);
    if (this.refuseWith) return this.refuse(tunnel, this.refuseWith.code, this.refuseWith.message);
    this.ready.push(tunnel);
    return tunnel.sendControl("ready", {
      publicAddress: "84.54.71.1",
      country: "UZ",
      city: "Namangan",
      asn: 8_193,
      asnName: "Uzbektelekom",
    });
  }

  private onEnrol(tunnel: Tunnel, enrol: ControlPayloads["enrol"], facts: Facts): void {
    const tokenHash = hashEnrolmentToken(enrol.token);
    const key = tokenHash?.toString("hex") ?? "";
    if (!tokenHash || this.tokens.get(key) !== "fresh") return this.refuse(tunnel, "token_used", "This code was used already.");
    const publicKey = Buffer.from(enrol.publicKey, "base64url");
    const { version, acceptedAtMs } = enrol.consent;
    const consent = { publicKey, version, acceptedAtMs, textSha256: Buffer.from(enrol.consent.textSha256, "base64url") };
    const good =
      verifyDeviceSignature("p256", publicKey, enrolMessage({ ...facts, tokenHash, consent }), Buffer.from(enrol.signature, "base64url")) &&
      verifyDeviceSignature("p256", publicKey, consentMessage(consent), Buffer.from(enrol.consent.signature, "base64url"));
    if (!good) return this.refuse(tunnel, "auth_failed", "The proof is wrong.");
    this.tokens.set(key, "used");
    const nodeId = newId("nod");
    const keyId = newId("key");
    this.nodes.set(nodeId, { keyId, publicKey, sessionSeq: 0 });
    return tunnel.sendControl("enrolled", { nodeId, keyId, operatorName: "Test operator" });
  }
}

interface Facts {
  readonly gatewayId: string;
  readonly nonce: Buffer;
  readonly channelBinding: Buffer;
}
