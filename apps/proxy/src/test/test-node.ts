/**
 * A node for tests over real sockets: dials the tunnel port with a PROXY header, proves its key, connects to targets.
 *
 * It has no owner's limits and no destination policy, so that tests can make it misbehave.
 */
import { authMessage, channelBinding, type DeviceKey, signWithDeviceKey } from "@karvon/security";
import { createTunnel, type RstName, type Target, type Tunnel, type TunnelStream } from "@karvon/tunnel";
import { type ControlMessage, type ControlPayloads, writeProxyHeaderV1 } from "@karvon/wire";
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

export interface TestNodeOptions {
  readonly tunnelPort: number;
  readonly nodeId: string;
  readonly keyId: string;
  readonly key: DeviceKey;
  readonly sessionSeq: number;
  /** Where the PROXY header says that the node dials from; none is sent when left out. */
  readonly address?: string;
  readonly onOpen?: (stream: TunnelStream, target: Target) => void;
  /** Changes what the node sends as its proof. */
  readonly tamper?: (auth: ControlPayloads["auth"]) => ControlPayloads["auth"];
  /** A nonce to sign instead of the one that was asked. */
  readonly nonce?: Buffer;
  /** A channel binding to sign instead of the connection's own: what a relay in the middle would pass on. */
  readonly binding?: Buffer;
}

export interface TestNode {
  readonly nodeId: string;
  readonly tunnel: Tunnel;
  readonly socket: TLSSocket;
  /** READY or REFUSED. */
  readonly verdict: ControlMessage;
  readonly controls: readonly ControlMessage[];
  readonly closed: Promise<void>;
  report(status: Partial<ControlPayloads["status"]>): void;
  close(): void;
}

/** `from` is what a PROXY header says, or the parts of one, each sent in a turn of its own. */
export async function dialTls(tunnelPort: number, from: string | readonly Buffer[] = []): Promise<TLSSocket> {
  const tcp = connect({ port: tunnelPort, host: "127.0.0.1", noDelay: true });
  tcp.on("error", ignore);
  await once(tcp, "connect");
  for (const part of typeof from === "string" ? [headerFrom(from, tunnelPort)] : from) {
    tcp.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const socket = connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: ["karvon/1"], minVersion: "TLSv1.3" });
  socket.on("error", ignore);
  await once(socket, "secureConnect");
  return socket;
}

function headerFrom(sourceAddress: string, tunnelPort: number): Buffer {
  const destinationAddress = sourceAddress.includes(":") ? "::1" : "127.0.0.1";
  return writeProxyHeaderV1({ sourceAddress, sourcePort: 40_000, destinationAddress, destinationPort: tunnelPort });
}

export async function startTestNode(options: TestNodeOptions): Promise<TestNode> {
  const socket = await dialTls(options.tunnelPort, options.address);
  const binding = channelBinding(socket);
  const controls: ControlMessage[] = [];
  let onVerdict: (message: ControlMessage) => void = () => undefined;
  let onClosed: () => void = () => undefined;
  const verdict = new Promise<ControlMessage>((resolve) => (onVerdict = resolve));
  const closed = new Promise<void>((resolve) => (onClosed = resolve));
  const tunnel = createTunnel({
    socket,
    role: "node",
    onOpen: options.onOpen ?? connectTarget,
    onControl(message) {
      controls.push(message);
      if (message.type === "challenge") tunnel.sendControl("auth", proofOf(options, message.payload, options.binding ?? binding));
      else if (message.type === "ready" || message.type === "refused") onVerdict(message);
    },
    onClose: () => onClosed(),
  });
  return {
    nodeId: options.nodeId,
    tunnel,
    socket,
    verdict: await Promise.race([
      verdict,
      closed.then((): ControlMessage => ({ type: "refused", payload: { code: "closed", message: "the connection closed" } })),
    ]),
    controls,
    closed,
    report: (status) => tunnel.sendControl("status", { ...ordinary, ...status }),
    close: () => tunnel.close(),
  };
}

const ordinary: ControlPayloads["status"] = {
  batteryPercent: 80,
  isCharging: false,
  network: "wifi",
  isMetered: false,
  dayBytes: 0,
  dayLimitBytes: null,
  accepting: true,
  reason: null,
};

function proofOf(options: TestNodeOptions, challenge: ControlPayloads["challenge"], binding: Buffer): ControlPayloads["auth"] {
  const facts = { nodeId: options.nodeId, keyId: options.keyId, bootId: "boot" };
  const nonce = options.nonce ?? Buffer.from(challenge.nonce, "base64url");
  const message = authMessage({
    ...facts,
    gatewayId: challenge.gatewayId,
    nonce,
    channelBinding: binding,
    sessionSeq: BigInt(options.sessionSeq),
  });
  const auth = {
    ...facts,
    sessionSeq: options.sessionSeq,
    signature: signWithDeviceKey(options.key, message).toString("base64url"),
    agentVersion: "0.0.0",
    platform: "test",
    model: "test",
  };
  return options.tamper?.(auth) ?? auth;
}

const connectFailures: ReadonlyMap<string, RstName> = new Map([
  ["ENOTFOUND", "dns"],
  ["EAI_AGAIN", "dns"],
  ["ECONNREFUSED", "refused"],
  ["ECONNRESET", "targetReset"],
]);

/** Connects and pipes, with the errors that a real node reports. */
export function connectTarget(stream: TunnelStream, target: Target): void {
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true });
  let isOpen = false;
  socket.on("error", (cause) => {
    if (isOpen) return;
    stream.reset(connectFailures.get(String(Reflect.get(cause, "code"))) ?? "unreachable");
  });
  socket.once("connect", () => {
    isOpen = true;
    stream.opened({ address: socket.remoteAddress ?? "", family: socket.remoteFamily === "IPv6" ? 6 : 4, connectMs: 1 });
    stream.attach(socket);
  });
  stream.onEnd(() => {
    if (!isOpen) socket.destroy();
  });
}

function ignore(): void {
  // What fails shows in what the test observes.
}
