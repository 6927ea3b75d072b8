/** What Node programs use, from the registry, as their documentation says. */
import axios from "axios";
import { got } from "got";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import fetchOfNodeFetch from "node-fetch";
import type { Agent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Server as ProxyChainServer } from "proxy-chain";
import { SocksProxyAgent } from "socks-proxy-agent";
import { fetch as fetchOfUndici, ProxyAgent } from "undici";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { sha256 } from "./client-origin.ts";
import { bases, type ClientWorld, type RealClient } from "./client-world.ts";
import { outputOf } from "./run-program.ts";

// The target's certificate is the test's own.
const insecure = { rejectUnauthorized: false };

/** One request: the answer's body. */
type Ask = (url: string, body?: Buffer) => Promise<Buffer>;

/** Gets the file from both sites and sends it back. */
async function expectBothWays({ origin }: ClientWorld, ask: Ask): Promise<void> {
  for (const base of bases) {
    const file = await ask(`${base}/file`);
    expect(sha256(file)).toBe(origin.fileSha256);
    const answer: unknown = JSON.parse((await ask(`${base}/hash`, file)).toString());
    expect(answer).toEqual({ bytes: origin.file.length, sha256: origin.fileSha256 });
  }
}

/** For libraries that cannot say how the target's certificate is judged. */
class InsecureTunnelAgent extends HttpsProxyAgent<string> {
  override connect(...[request, options]: Parameters<HttpsProxyAgent<string>["connect"]>): ReturnType<HttpsProxyAgent<string>["connect"]> {
    return super.connect(request, { ...options, ...insecure });
  }
}

class InsecureSocksAgent extends SocksProxyAgent {
  override connect(...[request, options]: Parameters<SocksProxyAgent["connect"]>): ReturnType<SocksProxyAgent["connect"]> {
    return super.connect(request, { ...options, ...insecure });
  }
}

const plainAgent = (world: ClientWorld): HttpProxyAgent<string> => new HttpProxyAgent(world.proxy("http"));
const tunnelAgent = (world: ClientWorld): InsecureTunnelAgent => new InsecureTunnelAgent(world.proxy("http"));
const socksAgent = (world: ClientWorld): InsecureSocksAgent => new InsecureSocksAgent(world.proxy("socks5h"));

function undici(name: string, options: Partial<ProxyAgent.Options>): RealClient {
  return {
    name,
    async run(world) {
      const dispatcher = new ProxyAgent({ uri: world.proxy("http"), requestTls: insecure, ...options });
      await expectBothWays(world, async (url, body) => {
        const init = body === undefined ? { dispatcher } : { dispatcher, method: "POST", body: new Uint8Array(body) };
        return Buffer.from(await (await fetchOfUndici(url, init)).arrayBuffer());
      });
      await dispatcher.close();
    },
  };
}

const axiosClient: RealClient = {
  name: "axios with its proxy option",
  async run(world) {
    const proxy = {
      protocol: "http",
      host: "127.0.0.1",
      port: world.port,
      auth: { username: world.login.username, password: world.login.password },
    };
    const client = axios.create({ proxy, responseType: "arraybuffer", httpsAgent: new HttpsAgent(insecure) });
    await expectBothWays(world, async (url, body) => {
      const answer = body === undefined ? await client.get<ArrayBuffer>(url) : await client.post<ArrayBuffer>(url, body);
      return Buffer.from(answer.data);
    });
  },
};

const gotClient: RealClient = {
  name: "got",
  async run(world) {
    await expectBothWays(world, (url, body) => {
      const agent = { http: plainAgent(world), https: tunnelAgent(world) };
      const options = { agent, https: insecure, retry: { limit: 0 } };
      return body === undefined ? got(url, options).buffer() : got.post(url, { ...options, body }).buffer();
    });
  },
};

function nodeFetch(name: string, agentOf: (world: ClientWorld, url: string) => Agent): RealClient {
  return {
    name,
    async run(world) {
      await expectBothWays(world, async (url, body) => {
        const agent = agentOf(world, url);
        const answer = await fetchOfNodeFetch(url, body === undefined ? { agent } : { agent, method: "POST", body });
        return Buffer.from(await answer.arrayBuffer());
      });
    },
  };
}

function webSocket(name: string, agentOf: (world: ClientWorld) => Agent): RealClient {
  return {
    name,
    async run(world) {
      for (const url of ["ws://shop.example/socket", "wss://shop.example/socket"]) {
        const socket = new WebSocket(url, { agent: agentOf(world), ...insecure });
        const message = new Promise<Buffer>((resolve, reject) => {
          socket.on("error", reject);
          socket.on("message", (data: Buffer) => resolve(data));
        });
        socket.on("open", () => socket.send(world.origin.file));
        expect(sha256(await message)).toBe(world.origin.fileSha256);
        socket.close();
      }
    },
  };
}

function proxyChain(scheme: string): RealClient {
  return {
    name: `proxy-chain with Karvon upstream over ${scheme}`,
    async run(world) {
      const server = new ProxyChainServer({
        host: "127.0.0.1",
        port: 0,
        prepareRequestFunction: () => ({ upstreamProxyUrl: world.proxy(scheme) }),
      });
      await server.listen();
      try {
        await expectBothWays(world, (url, body) => {
          const args = ["-sSk", "-x", `http://127.0.0.1:${server.port}`, url];
          return body === undefined
            ? outputOf("curl", args)
            : outputOf("curl", [...args, "--data-binary", "@-", "-H", "content-type: application/octet-stream"], { input: body });
        });
      } finally {
        await server.close(true);
      }
    },
  };
}

export const npmClients: readonly RealClient[] = [
  undici("undici ProxyAgent", {}),
  undici("undici ProxyAgent without a tunnel for http", { proxyTunnel: false }),
  axiosClient,
  gotClient,
  nodeFetch("node-fetch with http-proxy-agent and https-proxy-agent", (world, url) =>
    url.startsWith("https:") ? tunnelAgent(world) : plainAgent(world),
  ),
  nodeFetch("node-fetch with socks-proxy-agent", socksAgent),
  webSocket("ws over CONNECT", tunnelAgent),
  webSocket("ws over SOCKS5", socksAgent),
  proxyChain("http"),
  proxyChain("socks5h"),
];
