/**
 * One exchange with the echo target through the proxy, in each of the three ways a client program uses it: a body goes up,
 * in pieces over some time, and the target's answer must name its length and SHA-256.
 *
 * Whatever happens is an outcome, never an exception. Limits: 20 s of silence.
 */
import { createHash } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface Exchange {
  readonly host: string;
  readonly port: number;
  readonly body: Buffer;
  /** The body goes up in so many pieces, evenly over the time. */
  readonly pieces: number;
  readonly durationMs: number;
}

/** Refused: there was no connection or another answer than success. Truncated: it began and broke off, or bytes differ. */
export type SessionOutcome = { readonly kind: "complete" } | { readonly kind: "refused" | "truncated"; readonly why: string };

const silenceMs = 20_000;
const complete: SessionOutcome = { kind: "complete" };

export function runConnect(proxy: ProxyAddress, exchange: Exchange): Promise<SessionOutcome> {
  return runTunnelled(proxy, exchange, async (line) => {
    const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
    const authority = `${exchange.host}:${exchange.port}`;
    line.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
    const head = await line.readUntil("\r\n\r\n");
    return head.startsWith("HTTP/1.1 200 ") ? null : (head.split("\r\n", 1)[0] ?? "no answer");
  });
}

export function runSocks5(proxy: ProxyAddress, exchange: Exchange): Promise<SessionOutcome> {
  return runTunnelled(proxy, exchange, async (line) => {
    line.write(Buffer.from([5, 1, 2]));
    if ((await line.read(2)).at(1) !== 2) return "no login is offered";
    const [user, password] = [Buffer.from(proxy.username), Buffer.from(proxy.password)];
    line.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]));
    if ((await line.read(2)).at(1) !== 0) return "the login is refused";
    const host = Buffer.from(exchange.host);
    line.write(Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), host, Buffer.from([exchange.port >> 8, exchange.port & 255])]));
    const reply = (await line.read(10)).at(1);
    return reply === 0 ? null : `reply ${reply}`;
  });
}

export interface KeptConnections {
  run(exchange: Exchange): Promise<SessionOutcome>;
  close(): void;
}

/** Plain HTTP over connections that are kept for the next request. */
export function openKeptConnections(proxy: ProxyAddress): KeptConnections {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
  const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
  return {
    close: () => agent.destroy(),
    run: (exchange) =>
      new Promise((resolve) => {
        let hasAnswer = false;
        const fail = (why: string): void => resolve({ kind: hasAnswer ? "truncated" : "refused", why });
        const request = httpRequest({
          agent,
          host: proxy.host,
          port: proxy.port,
          method: "POST",
          path: `http://${exchange.host}:${exchange.port}/upload`,
          headers: {
            host: `${exchange.host}:${exchange.port}`,
            "proxy-authorization": `Basic ${login}`,
            "content-length": exchange.body.length,
          },
          timeout: silenceMs,
        });
        request.once("timeout", () => request.destroy(new Error("silent")));
        request.once("error", (cause) => fail(`${cause.message}${request.reusedSocket ? " on a kept connection" : ""}`));
        request.once("response", (response) => {
          if (response.statusCode !== 200) {
            response.resume();
            fail(`status ${response.statusCode} ${String(response.headers["x-error-code"])}`);
            return;
          }
          hasAnswer = true;
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("end", () => resolve(judge(Buffer.concat(chunks).toString(), exchange)));
          response.once("error", (cause) => fail(cause.message));
        });
        void sendBody((piece) => request.write(piece), exchange).then(() => request.end());
      }),
  };
}

async function runTunnelled(
  proxy: ProxyAddress,
  exchange: Exchange,
  open: (line: Line) => Promise<string | null>,
): Promise<SessionOutcome> {
  const line = new Line(connect({ host: proxy.host, port: proxy.port, noDelay: true }));
  try {
    const refusal = await open(line);
    if (refusal !== null) return { kind: "refused", why: refusal };
  } catch (cause) {
    line.close();
    return { kind: "refused", why: cause instanceof Error ? cause.message : String(cause) };
  }
  try {
    line.write(`POST /upload HTTP/1.1\r\nHost: ${exchange.host}\r\nConnection: close\r\nContent-Length: ${exchange.body.length}\r\n\r\n`);
    await sendBody((piece) => line.write(piece), exchange);
    const answer = await line.readToEnd();
    return judge(answer.slice(answer.indexOf("\r\n\r\n") + 4), exchange);
  } catch (cause) {
    return { kind: "truncated", why: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    line.close();
  }
}

async function sendBody(send: (piece: Buffer) => void, { body, pieces, durationMs }: Exchange): Promise<void> {
  const size = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length; at += size) {
    if (at > 0) await pause(durationMs / pieces);
    send(body.subarray(at, at + size));
  }
}

function judge(answer: string, { body }: Exchange): SessionOutcome {
  const sha256 = createHash("sha256").update(body).digest("hex");
  return answer.includes(`"bytes":${body.length},"sha256":"${sha256}"`)
    ? complete
    : { kind: "truncated", why: `the answer is not about these bytes: ${answer.slice(0, 60)}` };
}

/** A socket read by one caller at a time. */
class Line {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #end: string | null = null;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(silenceMs, () => this.#finish("silent"));
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on("end", () => this.#finish("ended"));
    socket.on("error", (cause) => this.#finish(cause.message));
    socket.on("close", () => this.#finish("closed"));
  }

  write(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  async read(bytes: number): Promise<Buffer> {
    return this.#take(() => (this.#bytes.length >= bytes ? bytes : -1));
  }

  async readUntil(mark: string): Promise<string> {
    const head = await this.#take(() => {
      const at = this.#bytes.indexOf(mark);
      return at < 0 ? -1 : at + mark.length;
    });
    return head.toString("latin1");
  }

  /** Everything up to the peer's orderly end. */
  async readToEnd(): Promise<string> {
    while (this.#end === null) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#end !== "ended") throw new Error(this.#end);
    return this.#bytes.toString("latin1");
  }

  close(): void {
    this.#socket.destroy();
  }

  async #take(length: () => number): Promise<Buffer> {
    for (let size = length(); ; size = length()) {
      if (size >= 0) {
        const taken = this.#bytes.subarray(0, size);
        this.#bytes = this.#bytes.subarray(size);
        return taken;
      }
      if (this.#end !== null) throw new Error(this.#end);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #finish(how: string): void {
    this.#end ??= how;
    this.#wake();
  }
}
