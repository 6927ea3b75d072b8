/**
 * A little honest traffic for the screenshots: requests of the demo proxy user to the demo's echo target, and some
 * that are refused, so that the refusals page has what it is for.
 *
 * Limits: four requests at once, 900 kB each at most; it ends with `signal`, and the last request within 10 s.
 */
import { request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const parallel = 4;
const requestTimeoutMs = 10_000;
const bytesMax = 900_000;
const refusedEvery = 12;

interface Target {
  readonly echoUrl: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly proxyUser: { readonly username: string; readonly password: string };
}

interface Ask {
  readonly url: string;
  readonly parameters: string;
  readonly bytes: number;
}

export async function driveTraffic(target: Target, signal: AbortSignal): Promise<void> {
  for (const ask of refusedAsks(target.echoUrl)) await send(target, ask);
  await Promise.all(Array.from({ length: parallel }, (_, lane) => drive(target, lane, signal)));
}

function refusedAsks(echoUrl: string): readonly Ask[] {
  return [
    { url: echoUrl, parameters: "-contry-de", bytes: 0 },
    { url: echoUrl, parameters: "-country-aq", bytes: 0 },
    { url: "http://10.0.0.1/", parameters: "", bytes: 0 },
    { url: "http://nowhere.invalid/", parameters: "", bytes: 0 },
    { url: "http://example.com:25/", parameters: "", bytes: 0 },
  ];
}

async function drive(target: Target, lane: number, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    // A slow wave, so that the chart is more than a line.
    const wave = (Math.sin(Date.now() / 9_000 + lane) + 1) / 2;
    const size = Math.round(wave * wave * bytesMax) + 2_000;
    const isUpload = turn % 6 === 0;
    await send(target, {
      url: isUpload ? target.echoUrl : new URL(`/bytes?n=${size}`, target.echoUrl).href,
      parameters: turn % 3 === 0 ? `-session-shots${lane}` : "",
      bytes: isUpload ? size : 0,
    });
    if (turn % refusedEvery === lane) for (const ask of refusedAsks(target.echoUrl).slice(0, lane + 1)) await send(target, ask);
    await wait(300 + lane * 170, undefined, { signal }).catch(() => undefined);
  }
}

/** One request through the proxy. How it ends is the panels' business: nothing is thrown. */
function send({ proxy, proxyUser }: Target, ask: Ask): Promise<void> {
  const credentials = Buffer.from(`${proxyUser.username}${ask.parameters}:${proxyUser.password}`).toString("base64");
  return new Promise((done) => {
    const outgoing = request(
      {
        host: proxy.host,
        port: proxy.port,
        method: ask.bytes === 0 ? "GET" : "POST",
        path: ask.url,
        agent: false,
        timeout: requestTimeoutMs,
        headers: { host: new URL(ask.url).host, "proxy-authorization": `Basic ${credentials}`, "content-length": ask.bytes },
      },
      (answer) => answer.resume().once("close", done),
    );
    outgoing.once("timeout", () => outgoing.destroy());
    outgoing.once("error", () => done());
    outgoing.end(Buffer.alloc(ask.bytes, "karvon "));
  });
}
