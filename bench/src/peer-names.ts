/** Who can be measured, and what each of them leaves out that Karvon does. Pure. */
export const peers = ["karvon", "proxy-chain", "haproxy", "haproxy-tls", "squid", "openssh", "yamux"] as const;
export type Peer = (typeof peers)[number];

export interface PeerFacts {
  /** Column of the table. */
  readonly title: string;
  readonly what: string;
  /** What the figures do not contain for it. */
  readonly without: string;
  /** Where it comes from; null when `npm ci` brought it. */
  readonly debianPackages: string | null;
}

export const peerFacts: Readonly<Record<Peer, PeerFacts>> = {
  karvon: {
    title: "Karvon",
    what: "the whole product; nodes over TLS 1.3",
    without: "nothing",
    debianPackages: null,
  },
  "proxy-chain": {
    title: "proxy-chain 3.0.1",
    what: "forward proxy on Node, no tunnel to a device",
    without: "policy, metering, session log, nodes",
    debianPackages: null,
  },
  haproxy: {
    title: "HAProxy, TCP",
    what: "copies TCP to the origin: a floor, no proxy protocol at all",
    without: "authentication, policy, metering, session log, nodes",
    debianPackages: "haproxy",
  },
  "haproxy-tls": {
    title: "HAProxy, TCP to TLS",
    what: "TCP in, one TLS connection a session out, to a second HAProxy in the node's place",
    without: "authentication, policy, metering, session log, multiplexing",
    debianPackages: "haproxy",
  },
  squid: {
    title: "Squid",
    what: "forward proxy, cache off",
    without: "authentication, policy, metering, session log, nodes",
    debianPackages: "squid",
  },
  openssh: {
    title: "OpenSSH -R",
    what: "SOCKS5 at the server, streams in one SSH connection to a client in the node's place",
    without: "authentication of clients, policy, metering, session log",
    debianPackages: "openssh-server openssh-client",
  },
  yamux: {
    title: "Go, yamux over TLS",
    what: "CONNECT at the server, streams in one TLS 1.3 connection to a program in the node's place; ours, bench/peers/yamux",
    without: "authentication of clients, policy, metering, session log",
    debianPackages: "golang-go golang-github-hashicorp-yamux-dev",
  },
};

/** Quick enough, and without certificates or keys to make: what `npm run bench` takes when it is there. */
export const shortPeers: readonly Peer[] = ["karvon", "proxy-chain", "haproxy", "squid"];
/** Measured in every repetition; the others are yardsticks that move less than the machine does, and once is enough. */
export const repeatedPeers: readonly Peer[] = ["karvon", "proxy-chain", "yamux"];
