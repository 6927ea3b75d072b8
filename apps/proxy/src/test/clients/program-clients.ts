/** Programs and standard libraries that are not Node's. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { sha256 } from "./client-origin.ts";
import { bases, type ClientWorld, expectCarried, type RealClient } from "./client-world.ts";
import { outputOf } from "./run-program.ts";

const python = "/usr/bin/python3";
const programs = fileURLToPath(new URL("programs/", import.meta.url));

function pythonClient(library: string, scheme: string): RealClient {
  return {
    name: `Python ${library} over ${scheme}`,
    async run(world) {
      expectCarried(world, await outputOf(python, [join(programs, "fetch.py"), library, world.proxy(scheme), ...bases]));
    },
  };
}

function goClient(scheme: string): RealClient {
  return {
    name: `Go net/http over ${scheme}`,
    async run(world) {
      expectCarried(world, await outputOf(await buildGo(world), [world.proxy(scheme), ...bases]));
    },
  };
}

const builds = new Map<string, Promise<string>>();

/** Compiled once; its cache stays out of the way of the user's own. */
function buildGo({ folder }: ClientWorld): Promise<string> {
  const program = join(folder, "fetch-go");
  const build =
    builds.get(program) ??
    outputOf("go", ["build", "-o", program, join(programs, "fetch.go")], {
      env: { GOCACHE: join(folder, "go-cache"), GOFLAGS: "-mod=mod", GO111MODULE: "off" },
    }).then(() => program);
  builds.set(program, build);
  return build;
}

const java: RealClient = {
  name: "Java HttpClient",
  async run(world) {
    const { login, port } = world;
    const args = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", join(programs, "Fetch.java")];
    expectCarried(world, await outputOf("java", [...args, `${port}`, login.username, login.password, ...bases]));
  },
};

const wget: RealClient = {
  name: "wget",
  async run(world) {
    const proxy = world.proxy("http");
    const env = { http_proxy: proxy, https_proxy: proxy };
    const upload = join(world.folder, "wget-upload");
    await writeFile(upload, world.origin.file);
    for (const base of bases) {
      const flags = ["-q", "-O", "-", "--no-check-certificate", "--tries=1"];
      expect(sha256(await outputOf("wget", [...flags, `${base}/file`], { env }))).toBe(world.origin.fileSha256);
      const answer = await outputOf("wget", [...flags, `--post-file=${upload}`, `${base}/hash`], { env });
      expect(JSON.parse(answer.toString())).toMatchObject({ sha256: world.origin.fileSha256 });
    }
  },
};

const aria2: RealClient = {
  name: "aria2c in four ranges at once",
  async run(world) {
    const { origin, folder } = world;
    for (const [index, base] of bases.entries()) {
      const before = origin.seen.length;
      const flags = ["-q", "-x4", "-s4", "-k1M", "--check-certificate=false", `--all-proxy=${world.proxy("http")}`];
      await outputOf("aria2c", [...flags, "-d", folder, "-o", `big${index}`, `${base}/big`]);
      expect(sha256(await outputOf("cat", [join(folder, `big${index}`)]))).toBe(origin.bigSha256);
      const ranges = origin.seen.slice(before).filter(({ headers }) => headers.range !== undefined);
      expect(ranges.length).toBeGreaterThanOrEqual(3);
    }
  },
};

/** What a program of the shell is without any idea of proxies. */
function proxychains(kind: "http" | "socks5"): RealClient {
  return {
    name: `proxychains4 with curl over ${kind}`,
    async run({ folder, port, login, origin }) {
      const config = join(folder, `proxychains-${kind}.conf`);
      await writeFile(config, `strict_chain\nproxy_dns\n[ProxyList]\n${kind} 127.0.0.1 ${port} ${login.username} ${login.password}\n`);
      const run = (...args: string[]): Promise<Buffer> =>
        outputOf("proxychains4", ["-q", "-f", config, "curl", "-sSk", ...args], { input: origin.file });
      for (const base of bases) {
        expect(sha256(await run(`${base}/file`))).toBe(origin.fileSha256);
        const answer = await run("--data-binary", "@-", "-H", "content-type: application/octet-stream", `${base}/hash`);
        expect(JSON.parse(answer.toString())).toMatchObject({ sha256: origin.fileSha256 });
      }
    },
  };
}

const socat: RealClient = {
  name: "socat: a server that speaks first, and a half-close that reaches it",
  async run({ port, login }) {
    const via = `PROXY:127.0.0.1:lines.example:8080,proxyport=${port},proxyauth=${login.username}:${login.password}`;
    const answer = await outputOf("socat", ["-t", "20", "-", via], { input: Buffer.from("hello") });
    expect(answer.toString()).toBe("banner;got hello");
  },
};

const socatBulk: RealClient = {
  name: "socat: bytes up and down over CONNECT",
  async run({ port, login, origin }) {
    const via = `PROXY:127.0.0.1:shop.example:80,proxyport=${port},proxyauth=${login.username}:${login.password}`;
    const down = await outputOf("socat", ["-t", "20", "-", via], {
      input: Buffer.from("GET /file HTTP/1.0\r\nHost: shop.example\r\n\r\n"),
    });
    expect(sha256(down.subarray(down.indexOf("\r\n\r\n") + 4))).toBe(origin.fileSha256);
    const head = Buffer.from(`POST /hash HTTP/1.0\r\nHost: shop.example\r\nContent-Length: ${origin.file.length}\r\n\r\n`);
    const up = await outputOf("socat", ["-t", "20", "-", via], { input: Buffer.concat([head, origin.file]) });
    expect(up.toString()).toContain(origin.fileSha256);
  },
};

export const programClients: readonly RealClient[] = [
  goClient("http"),
  goClient("socks5"),
  java,
  pythonClient("urllib", "http"),
  pythonClient("requests", "http"),
  pythonClient("requests", "socks5h"),
  pythonClient("httpx", "http"),
  pythonClient("httpx", "socks5"),
  wget,
  aria2,
  proxychains("http"),
  proxychains("socks5"),
  socat,
  socatBulk,
];
