/**
 * TLS to the proxy port ("HTTPS proxy"): ends in this process, and inside it HTTP or SOCKS5 go on as without it.
 *
 * TLS 1.2 or newer with AEAD ciphers and forward secrecy only. No tickets, no renegotiation, no client certificates, no
 * choice by server name, no ALPN: whoever offers `h2` falls back to HTTP/1.1. Node reports a handshake that takes too
 * long and leaves its socket open; here it is destroyed.
 *
 * Limits: 10 s a handshake, 2,000 handshakes at once.
 */
import type { ProxyTlsIdentity } from "@karvon/settings";
import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";

export interface TlsAcceptor {
  /**
   * The connection inside TLS after the handshake, or null when it failed; the socket is destroyed then. `early` is what
   * was read of the handshake already. Never rejects.
   */
  accept(socket: Socket, early: Buffer): Promise<TLSSocket | null>;
  readonly hasRoom: boolean;
  /** For handshakes from now on. Throws when the pair is not one. */
  useIdentity(identity: ProxyTlsIdentity): void;
}

export interface TlsAcceptorOptions {
  readonly identity: ProxyTlsIdentity;
  /** 10,000 when left out. */
  readonly handshakeTimeoutMs?: number | undefined;
  readonly onFailure: (cause: unknown) => void;
}

const handshakeTimeoutMsDefault = 10_000;
const handshakesMax = 2_000;
const bufferBytes = 65_536;

const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
].join(":");

const protocolOptions = {
  minVersion: "TLSv1.2",
  ciphers,
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const;

export function createTlsAcceptor(options: TlsAcceptorOptions): TlsAcceptor {
  /** Handshakes that are under way, by the two ends of their connection. */
  const waiting = new Map<string, (socket: TLSSocket | null) => void>();

  // Node takes highWaterMark here although its types do not list it: one TLS record more or less a read.
  const serverOptions = {
    ...protocolOptions,
    cert: options.identity.certPem,
    key: options.identity.keyPem,
    handshakeTimeout: options.handshakeTimeoutMs ?? handshakeTimeoutMsDefault,
    highWaterMark: bufferBytes,
  };
  /** It listens nowhere: connections are given to it after their first byte. */
  const server = createServer(serverOptions, (socket) => {
    // 'close' follows every error and is what everybody listens to.
    socket.on("error", ignoreError);
    const resolve = waiting.get(endsOf(socket));
    if (resolve === undefined) socket.destroy();
    else resolve(socket);
  });
  server.on("tlsClientError", (cause, socket) => {
    options.onFailure(cause);
    socket.destroy();
  });

  return {
    get hasRoom() {
      return waiting.size < handshakesMax;
    },
    accept(socket, early) {
      const ends = endsOf(socket);
      return new Promise((resolve) => {
        function settle(inside: TLSSocket | null): void {
          waiting.delete(ends);
          socket.off("close", onClose);
          resolve(inside === null ? null : resettable(inside, socket));
        }
        function onClose(): void {
          settle(null);
        }
        waiting.set(ends, settle);
        socket.on("close", onClose);
        if (socket.destroyed) return onClose();
        socket.pause();
        if (early.length > 0) socket.unshift(early);
        server.emit("connection", socket);
      });
    },
    useIdentity({ certPem, keyPem }) {
      server.setSecureContext({ ...protocolOptions, cert: certPem, key: keyPem });
    },
  };
}

/** Node's TLS sockets cannot reset their connection: without it a cut answer looks like a whole one to many programs. */
function resettable(inside: TLSSocket, outside: Socket): TLSSocket {
  return Object.assign(inside, {
    resetAndDestroy(): TLSSocket {
      outside.resetAndDestroy();
      return inside.destroy();
    },
  });
}

function endsOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ""} ${socket.remotePort ?? 0} ${socket.localAddress ?? ""} ${socket.localPort ?? 0}`;
}

function ignoreError(): void {
  // See the listener above.
}
