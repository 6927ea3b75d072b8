/** A short tier of every run of the tests; `npm run fuzz` runs the same for as long as is wanted. */
import { describe, expect, test } from "vitest";
import {
  createChunkedScanner,
  decodeControl,
  decodeGoAway,
  decodeOpen,
  decodeOpened,
  FrameReader,
  frameTypes,
  readBasicCredentials,
  readProxyHeader,
  readProxyUsername,
  readRequestHead,
  readResponseHead,
  readSocksGreeting,
  readSocksLogin,
  readSocksRequest,
  writeForwardedRequest,
  writeForwardedResponse,
} from "./index.ts";
import { type Answer, feedInParts } from "./test-splits.ts";
import {
  chunkedBodies,
  fuzz,
  type FuzzOptions,
  nodeFrames,
  proxyHeaders,
  type Random,
  requestHeads,
  responseHeads,
  socksDialogues,
  splitRandomly,
  usernames,
} from "./testing/index.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261);
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0.4);

type Judge = FuzzOptions["judge"];

/** The same answer however the bytes arrive, and never more bytes taken than there were. */
function readBothWays<Message>(
  read: (input: Buffer) => Answer<Message>,
  input: Buffer,
  random: Random,
): { answer: Answer<Message>; complaint: string | null } {
  const answer = read(input);
  let end = 0;
  const cuts = splitRandomly(input, random).map((part) => (end += part.length));
  const split = feedInParts(read, input, cuts.slice(0, 20));
  if (answer.kind !== split.kind) return { answer, complaint: `${answer.kind} at once, ${split.kind} in parts` };
  if (answer.kind === "message" && split.kind === "message") {
    if (answer.consumed !== split.consumed) return { answer, complaint: `${answer.consumed} bytes at once, ${split.consumed} in parts` };
    if (answer.consumed > input.length) return { answer, complaint: "took more than there was" };
  }
  return { answer, complaint: null };
}

const judgeRequest: Judge = (input, random) => {
  const { answer, complaint } = readBothWays(readRequestHead, input, random);
  if (complaint !== null || answer.kind !== "message") return complaint;
  const { message } = answer;
  if (message.proxyAuthorization !== null) {
    const login = readBasicCredentials(message.proxyAuthorization);
    if (login !== null) readProxyUsername(login.username);
  }
  if (message.target.form !== "absolute") return null;
  // What goes on to the target says the same to the next parser, and nothing of the way here.
  const forwarded = writeForwardedRequest(message);
  const again = readRequestHead(forwarded);
  if (again.kind === "malformed") return `forwarded what is malformed: ${again.reason}`;
  if (again.kind !== "message" || again.consumed !== forwarded.length) return "forwarded a head that does not end where it ends";
  if (JSON.stringify(again.message.body) !== JSON.stringify(message.body)) return "forwarded another framing";
  if (again.message.method !== message.method) return "forwarded another method";
  return again.message.proxyAuthorization === null ? null : "forwarded the credentials";
};

const judgeResponse: Judge = (input, random) => {
  const method = ["GET", "HEAD", "POST"][random(3)] ?? "GET";
  const { answer, complaint } = readBothWays((bytes) => readResponseHead(bytes, method), input, random);
  if (complaint !== null || answer.kind !== "message") return complaint;
  const { message } = answer;
  const forwarded = writeForwardedResponse(message, { keepAlive: true, ownLines: "x-px-exit-ip: 192.0.2.1\r\n" });
  const again = readResponseHead(forwarded, method);
  if (again.kind === "malformed") return `forwarded what is malformed: ${again.reason}`;
  if (again.kind !== "message" || again.consumed !== forwarded.length) return "forwarded a head that does not end where it ends";
  if (JSON.stringify(again.message.body) !== JSON.stringify(message.body)) return "forwarded another framing";
  const exits = again.message.fields.filter(({ name }) => name.toLowerCase() === "x-px-exit-ip");
  return exits.length === (message.isInterim ? exits.length : 1) ? null : "a target spoke in the proxy's name";
};

const judgeChunked: Judge = (input, random) => {
  const whole = createChunkedScanner().scan(input);
  const scanner = createChunkedScanner();
  let before = 0;
  for (const part of splitRandomly(input, random)) {
    const scan = scanner.scan(part);
    if (scan.kind === "malformed") return whole.kind === "malformed" ? null : `${whole.kind} at once, malformed in parts`;
    if (scan.kind === "end") {
      const isSame = whole.kind === "end" && whole.consumed === before + scan.consumed;
      return isSame ? null : "ends elsewhere in parts";
    }
    before += part.length;
  }
  return whole.kind === "more" ? null : `${whole.kind} at once, more in parts`;
};

/** The three messages of a dialogue, one after the other. */
const judgeSocks: Judge = (input, random) => {
  let rest = input;
  for (const read of [readSocksGreeting, readSocksLogin, readSocksRequest]) {
    const { answer, complaint } = readBothWays<unknown>(read, rest, random);
    if (complaint !== null || answer.kind !== "message") return complaint;
    if (answer.consumed > 513) return "took more than any message is long";
    rest = rest.subarray(answer.consumed);
  }
  return null;
};

/** Everything that a tunnel would be told, as text; DATA by its bytes and not by its chunks. */
function traceFrames(parts: readonly Buffer[]): string {
  const trace: string[] = [];
  let dataBytes = 0;
  const reader = new FrameReader({
    dataStart(streamId, length) {
      trace.push(`data ${streamId} ${length} after ${dataBytes}`);
    },
    dataChunk(chunk) {
      dataBytes += chunk.length;
    },
    frame(type, streamId, bytes, start, end) {
      trace.push(`${type} ${streamId} ${end - start} ${decodeAny(type, bytes, start, end)}`);
    },
  });
  for (const part of parts) reader.push(part);
  return `${trace.join(";")} ${dataBytes} ${reader.violation ?? ""}`;
}

function decodeAny(type: number, bytes: Buffer, start: number, end: number): string {
  if (type === frameTypes.open) return decodeOpen(bytes, start, end)?.host ?? "bad";
  if (type === frameTypes.opened) return decodeOpened(bytes, start, end)?.address ?? "bad";
  if (type === frameTypes.goAway) return `${decodeGoAway(bytes, start, end)?.reason}`;
  return type >= frameTypes.challenge ? (decodeControl(type, bytes.subarray(start, end))?.type ?? "bad") : "";
}

const judgeFrames: Judge = (input, random) =>
  traceFrames([input]) === traceFrames(splitRandomly(input, random)) ? null : "differs in parts";

const judgeProxyHeader: Judge = (input, random) => readBothWays(readProxyHeader, input, random).complaint;

const judgeUsername: Judge = (input) => {
  const answer = readProxyUsername(input.toString("latin1"));
  // The detail goes into a header and a log.
  return answer.kind !== "refused" || /^[\x20-\x7e]{0,600}$/.test(answer.detail) ? null : "a detail that is not printable";
};

describe(`however injured (seed ${seed}), no input makes a parser throw, or read otherwise when it comes in parts:`, () => {
  test.each([
    ["http-request", requestHeads, judgeRequest],
    ["http-response", responseHeads, judgeResponse],
    ["http-chunked", chunkedBodies, judgeChunked],
    ["socks5", socksDialogues, judgeSocks],
    ["tunnel-frames", nodeFrames, judgeFrames],
    ["proxy-header", proxyHeaders, judgeProxyHeader],
    ["username", usernames, judgeUsername],
  ])(
    "%s",
    async (parser, injuries, judge) => {
      const { figure, failures } = await fuzz({ parser, seed, seconds, judge, ...injuries });
      process.stdout.write(`${JSON.stringify(figure)}\n`);
      expect(failures).toEqual([]);
      expect(figure.inputs).toBeGreaterThan(500);
    },
    seconds * 1_000 + 30_000,
  );
});
