/**
 * One TLS 1.3 connection to the gateway that the enrolment code names.
 *
 * The gateway is known by its key alone: the SHA-256 of the certificate's public key must be the pinned one, whoever
 * signed the certificate. Until that holds nothing is sent but the handshake. Limits: 10 s from dialling to the end
 * of the handshake; nothing is retried here.
 */
import { createHash } from "node:crypto";
import { type Socket, connect as connectTcp } from "node:net";
import { type TLSSocket, connect as connectTls } from "node:tls";
import { type TunnelDoor, isSameBytes } from "@karvon/security";
import { writeProxyHeaderV1 } from "@karvon/wire";

const dialTimeoutMs = 10_000;
const tunnelProtocol = "karvon/1";

export type DialFailure = "unreachable" | "timeout" | "wrong-key" | "wrong-protocol" | "stopped";

export class DialError extends Error {
  readonly code: DialFailure;
  constructor(code: DialFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DialError";
    this.code = code;
  }
}

export interface DialOptions {
  readonly door: TunnelDoor;
  readonly signal?: AbortSignal | undefined;
  /** Says in a PROXY protocol header whom this connection comes from. Gateways believe it from trusted addresses only. */
  readonly proxyProtocolSource?: { readonly address: string; readonly port: number } | undefined;
}

export function dialGateway(options: DialOptions): Promise<TLSSocket> {
  const { door, signal } = options;
  return new Promise((resolve, reject) => {
    const tcp = connectTcp({ host: door.host, port: door.port, noDelay: true });
    let tls: TLSSocket | null = null;
    const timer = setTimeout(() => fail(new DialError("timeout", `${door.host}:${door.port} did not answer in time`)), dialTimeoutMs);
    const onAbort = (): void => fail(new DialError("stopped", "stopped while dialling"));

    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
    function fail(error: DialError): void {
      settle();
      tls?.destroy();
      tcp.destroy();
      reject(error);
    }
    function onError(cause: Error): void {
      fail(new DialError("unreachable", `${door.host}:${door.port} cannot be reached: ${cause.message}`, { cause }));
    }

    function onClosed(): void {
      onError(new Error("the connection was closed"));
    }

    // The listener stays: a socket without one would end the process when it fails after the promise has settled.
    tcp.on("error", onError);
    tcp.once("connect", () => {
      try {
        if (options.proxyProtocolSource) tcp.write(proxyHeader(tcp, options.proxyProtocolSource));
      } catch (cause) {
        return fail(new DialError("unreachable", "the announced address is not one", { cause }));
      }
      tls = startTls(tcp);
      tls.on("error", onError);
      tls.once("close", onClosed);
      return tls.once("secureConnect", onSecure);
    });
    function onSecure(): void {
      if (!tls) return;
      const problem = checkGateway(tls, door);
      if (problem) return fail(problem);
      settle();
      tls.off("close", onClosed);
      return resolve(tls);
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

function startTls(tcp: Socket): TLSSocket {
  return connectTls({
    socket: tcp,
    minVersion: "TLSv1.3",
    ALPNProtocols: [tunnelProtocol],
    // The pin takes the place of certificate authorities and names; see checkGateway.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}

function checkGateway(socket: TLSSocket, door: TunnelDoor): DialError | null {
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
  const digest = createHash("sha256")
    .update(spki ?? "")
    .digest();
  if (!spki || !isSameBytes(digest, Buffer.from(door.spkiPin, "base64url"))) {
    return new DialError("wrong-key", `${door.host}:${door.port} is not the gateway of the enrolment code: it has another key`);
  }
  if (socket.alpnProtocol !== tunnelProtocol) return new DialError("wrong-protocol", `the gateway does not speak ${tunnelProtocol}`);
  return null;
}

function proxyHeader(tcp: Socket, source: { readonly address: string; readonly port: number }): Buffer {
  const isIpv6 = source.address.includes(":");
  return writeProxyHeaderV1({
    sourceAddress: source.address,
    sourcePort: source.port,
    // The destination is ours to say and nobody's to use; its family must match the source's.
    destinationAddress: isIpv6 ? "::1" : "127.0.0.1",
    destinationPort: tcp.remotePort ?? 0,
  });
}
