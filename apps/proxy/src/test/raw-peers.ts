/** The clients and targets of a test file, which end with the test that opened them. */
import { Conversation } from "./raw-client.ts";
import { type RawOrigin, startRawOrigin } from "./raw-origin.ts";

export interface RawPeers {
  /** Those of the test that runs. */
  readonly origins: readonly RawOrigin[];
  startOrigin(...handlers: Parameters<typeof startRawOrigin>): Promise<RawOrigin>;
  /** A connection to the proxy port, or to another. */
  open(port?: number): Promise<Conversation>;
  /** Every client leaves. */
  hangUp(): void;
  /** For `afterEach`. */
  close(): Promise<void>;
}

/** `proxyPort` is asked when a client is opened: the gateway may start later. */
export function rawPeers(proxyPort: () => number): RawPeers {
  const origins: RawOrigin[] = [];
  const clients: Conversation[] = [];
  function hangUp(): void {
    for (const { socket } of clients.splice(0)) socket.destroy();
  }
  return {
    origins,
    async startOrigin(...handlers) {
      const origin = await startRawOrigin(...handlers);
      origins.push(origin);
      return origin;
    },
    async open(port = proxyPort()) {
      const client = await Conversation.open(port);
      clients.push(client);
      return client;
    },
    hangUp,
    async close() {
      hangUp();
      for (const origin of origins.splice(0)) await origin.close();
    },
  };
}
