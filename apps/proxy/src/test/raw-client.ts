/** Clients that send exactly the bytes that a test wants, and what came back. */
import { until } from "@karvon/testkit";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** As `dial`, inside TLS; whatever certificate is shown is taken. */
export async function dialTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ socket: await dial(port), rejectUnauthorized: false, ...options });
  socket.allowHalfOpen = true;
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

export type Dial = (port: number) => Promise<Socket>;

/** Sends `bytes` and answers everything that comes until the other side ends. */
export async function exchange(port: number, bytes: Buffer | string, options: { half?: boolean; dial?: Dial } = {}): Promise<Buffer> {
  const socket = await (options.dial ?? dial)(port);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytes);
  if (options.half === true) socket.end();
  await Promise.race([once(socket, "end"), once(socket, "close")]);
  socket.destroy();
  return Buffer.concat(chunks);
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function readAnswer(bytes: Buffer): HttpAnswer {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(statusLine.split(" ")[1]), headers, body: text.slice(end + 4) };
}

export function basic(username: string, password: string): string {
  return `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}\r\n`;
}

/** RFC 1929, section 2. */
export function socksLogin({ username, password }: { username: string; password: string }): Buffer {
  const [user, secret] = [Buffer.from(username), Buffer.from(password)];
  return Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([secret.length]), secret]);
}

/** Greeting, login and request for a port of this machine in one: a program that waits for no answer. */
export function socksOpening(login: { username: string; password: string }, port: number): Buffer {
  return Buffer.concat([Buffer.from([5, 1, 2]), socksLogin(login), Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >>> 8, port & 255])]);
}

/** What a whole `socksOpening` is answered when it succeeds. */
export const socksOpened = Buffer.from([5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

/** Speaks SOCKS5 up to the reply; says at which stage the gateway refused, and how. */
export async function socksConnect(
  port: number,
  login: { username: string; password: string } | null,
  target: { host: string; port: number; command?: number; type?: number },
  dialWith: Dial = dial,
): Promise<string> {
  const socket = await dialWith(port);
  const received: Buffer[] = [];
  let wake: () => void = () => undefined;
  let isEnded = false;
  socket.on("data", (chunk: Buffer) => {
    received.push(chunk);
    wake();
  });
  socket.on("end", () => {
    isEnded = true;
    wake();
  });
  socket.on("close", () => {
    isEnded = true;
    wake();
  });
  async function take(count: number): Promise<Buffer | null> {
    for (;;) {
      const all = Buffer.concat(received.splice(0));
      if (all.length >= count) {
        received.push(all.subarray(count));
        return all.subarray(0, count);
      }
      received.push(all);
      if (isEnded) return null;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  try {
    socket.write(login === null ? Buffer.from([5, 1, 0]) : Buffer.from([5, 2, 0, 2]));
    const method = await take(2);
    if (method === null) return "closed at method";
    if (method[1] === 0xff) return "FF";
    if (login !== null) {
      socket.write(socksLogin(login));
      const verdict = await take(2);
      if (verdict === null) return "closed at login";
      if (verdict[1] !== 0) return "A";
    }
    const host = Buffer.from(target.host);
    socket.write(
      Buffer.concat([
        Buffer.from([5, target.command ?? 1, 0, target.type ?? 3, host.length]),
        host,
        Buffer.from([target.port >> 8, target.port & 255]),
      ]),
    );
    const reply = await take(4);
    return reply === null ? "close" : (reply[1] ?? 0).toString(16).padStart(2, "0");
  } finally {
    socket.destroy();
  }
}

/** A connection that is kept: sends bytes and reads answers one by one. */
export class Conversation {
  readonly socket: Socket;
  hasEnded = false;
  #waiting = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.#waiting = Buffer.concat([this.#waiting, chunk])));
    socket.on("end", () => (this.hasEnded = true));
  }

  static async open(port: number): Promise<Conversation> {
    return new Conversation(await dial(port));
  }

  /** What has come and was not read as an answer, latin1. */
  get rest(): string {
    return this.#waiting.toString("latin1");
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes, "latin1");
  }

  /** The next answer with a stated length, or without a body for 1xx, 204, 304 and `isHead`. */
  answer(options: { readonly isHead?: boolean } = {}): Promise<HttpAnswer> {
    return until(
      () => {
        const end = this.#waiting.indexOf("\r\n\r\n");
        if (end < 0) return null;
        const { status, headers } = readAnswer(this.#waiting.subarray(0, end + 4));
        const isBodiless = options.isHead === true || status < 200 || status === 204 || status === 304;
        const whole = end + 4 + (isBodiless ? 0 : Number(headers["content-length"] ?? 0));
        if (this.#waiting.length < whole) return null;
        const answer = readAnswer(this.#waiting.subarray(0, whole));
        this.#waiting = this.#waiting.subarray(whole);
        return answer;
      },
      { what: "an answer", everyMs: 2 },
    );
  }

  /** The next bytes, exactly so many. */
  take(count: number): Promise<Buffer> {
    return until(
      () => {
        if (this.#waiting.length < count) return null;
        const taken = this.#waiting.subarray(0, count);
        this.#waiting = this.#waiting.subarray(count);
        return taken;
      },
      { what: `${count} bytes`, everyMs: 2 },
    );
  }

  /** Sends a request and reads its answer. */
  ask(bytes: Buffer | string): Promise<HttpAnswer> {
    this.send(bytes);
    return this.answer();
  }
}
