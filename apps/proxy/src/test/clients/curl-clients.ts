/** curl in every way that people use it with a proxy. */
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import { runCurl } from "../run-curl.ts";
import { sha256 } from "./client-origin.ts";
import { bases, type ClientWorld, type RealClient } from "./client-world.ts";
import { runProgram } from "./run-program.ts";

const binary = ["-H", "content-type: application/octet-stream", "--data-binary", "@-"];
const parallel = 64;

/** Down and up once each; the answer to the upload comes from the site. */
async function expectBothWays({ origin }: ClientWorld, args: readonly string[], base: string): Promise<void> {
  const down = await runCurl([...args, `${base}/file`]);
  expect({ ...down, body: sha256(down.body) }).toMatchObject({ exitCode: 0, status: 200, stderr: "", body: origin.fileSha256 });
  const up = await runCurl([...args, ...binary, `${base}/hash`], origin.file);
  expect(JSON.parse(up.body.toString())).toEqual({ bytes: origin.file.length, sha256: origin.fileSha256 });
}

/** Both ways with `flags` over one of the schemes that curl knows. */
function bothWays(name: string, scheme: string, base: (world: ClientWorld) => string, flags: readonly string[] = []): RealClient {
  return {
    name: `curl ${name}`,
    run: (world) => expectBothWays(world, ["-k", "-x", world.proxy(scheme), ...flags], base(world)),
  };
}

const [plain, secure] = bases;
const byAddress = ({ origin }: ClientWorld): string => `http://127.0.0.1:${origin.httpPort}`;
const byName = (): string => plain;

const ways: readonly RealClient[] = [
  bothWays("absolute-form", "http", byName),
  bothWays("CONNECT", "http", () => secure),
  bothWays("--proxytunnel", "http", byName, ["-p"]),
  bothWays("socks5h, names resolved at the exit", "socks5h", byName),
  bothWays("socks5h with TLS inside", "socks5h", () => secure),
  bothWays("socks5, names resolved at home", "socks5", byAddress),
  bothWays("chunked up", "http", byName, ["-H", "transfer-encoding: chunked"]),
  bothWays("Expect: 100-continue", "http", byName, ["-H", "expect: 100-continue"]),
  bothWays("HTTP/1.0", "http", byName, ["-0"]),
  bothWays("--proxy-anyauth, which asks first", "http", byName, ["--proxy-anyauth"]),
  bothWays("--proxy-anyauth with CONNECT", "http", () => secure, ["--proxy-anyauth"]),
];

const chunkedDown: RealClient = {
  name: "curl chunked down",
  async run(world) {
    const { body, exitCode } = await runCurl(["-x", world.proxy("http"), `${plain}/chunked`]);
    expect([exitCode, sha256(body)]).toEqual([0, world.origin.fileSha256]);
  },
};

const head: RealClient = {
  name: "curl HEAD, then a GET on the same connection",
  async run(world) {
    const { origin, folder } = world;
    const flags = ["-sSv", "-x", world.proxy("http")];
    const file = join(folder, "after-head");
    const { exitCode, stdout, stderr } = await runProgram("curl", [
      ...flags,
      "-I",
      `${plain}/file`,
      "--next",
      ...flags,
      "-o",
      file,
      `${plain}/file`,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout.toString()).toMatch(new RegExp(`content-length: ${origin.file.length}`, "i"));
    expect(sha256(await readFile(file))).toBe(origin.fileSha256);
    expect(stderr).toMatch(/Re-using existing connection/);
  },
};

const manyAtOnce: RealClient = {
  name: `curl ${parallel} in parallel`,
  async run(world) {
    const urls = Array.from({ length: parallel }, (_, index) => `${index % 2 === 0 ? plain : secure}/file?${index}`);
    const outputs = urls.flatMap((url, index) => ["-o", join(world.folder, `parallel-${index}`), url]);
    const flags = ["-k", "-Z", "--parallel-immediate", "--parallel-max", `${parallel}`, "-x", world.proxy("http")];
    expect(await runCurl([...flags, ...outputs])).toMatchObject({ exitCode: 0 });
    const names = (await readdir(world.folder)).filter((name) => name.startsWith("parallel-"));
    const hashes = await Promise.all(names.map(async (name) => sha256(await readFile(join(world.folder, name)))));
    expect(hashes).toEqual(Array(parallel).fill(world.origin.fileSha256));
  },
};

const ownHosts: RealClient = {
  name: "curl: each request of a kept connection goes to its own host",
  async run(world) {
    const before = world.origin.seen.length;
    const hosts = ["one.example", "two.example", "one.example", "three.example"];
    const { exitCode, stderr } = await runCurl(["-v", "-x", world.proxy("http"), ...hosts.map((host) => `http://${host}/page?own`)]);
    expect(exitCode).toBe(0);
    expect(stderr.match(/Re-using existing connection/g)).toHaveLength(hosts.length - 1);
    const own = world.origin.seen.slice(before).filter(({ url }) => url === "/page?own");
    expect(own.map(({ host }) => host)).toEqual(hosts);
  },
};

/** 407 in three forms, over a request and over CONNECT; the third, --proxy-anyauth, succeeds and stands in `ways`. */
function unauthorised(name: string, userOf: (world: ClientWorld) => string): RealClient {
  return {
    name: `curl 407: ${name}`,
    async run(world) {
      const proxy = `http://${userOf(world)}127.0.0.1:${world.port}`;
      const request = await runCurl(["-x", proxy, "-D", "-", `${plain}/file`]);
      expect(request).toMatchObject({ exitCode: 0, status: 407 });
      expect(request.body.toString()).toMatch(/^proxy-authenticate: basic realm=/im);
      const tunnel = await runCurl(["-k", "-x", proxy, `${secure}/file`]);
      expect(tunnel).toMatchObject({ exitCode: 56, connectStatus: 407, status: 0 });
      expect(tunnel.stderr).toContain("CONNECT tunnel failed, response 407");
    },
  };
}

const wrongLoginSocks: RealClient = {
  name: "curl socks5h with a wrong password",
  async run(world) {
    const { exitCode, stderr } = await runCurl(["-x", `socks5h://${world.login.username}:pxkwrong@127.0.0.1:${world.port}`, plain]);
    expect(exitCode).toBe(97);
    expect(stderr).toContain("User was rejected by the SOCKS5 server");
  },
};

const closedPort: RealClient = {
  name: "curl: a closed port is told in each protocol's own way",
  async run(world) {
    const url = `http://127.0.0.1:${await unusedPort()}/`;
    const request = await runCurl(["-x", world.proxy("http"), "-D", "-", url]);
    expect(request).toMatchObject({ exitCode: 0, status: 502 });
    expect(request.body.toString()).toMatch(/^x-error-code: connect_refused/im);
    expect(await runCurl(["-p", "-x", world.proxy("http"), url])).toMatchObject({ exitCode: 56, connectStatus: 502 });
    const socks = await runCurl(["-x", world.proxy("socks5h"), url]);
    expect(socks.exitCode).toBe(97);
    // 5 is "connection refused" in RFC 1928, section 6.
    expect(socks.stderr).toMatch(/\(5\)/);
  },
};

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export const curlClients: readonly RealClient[] = [
  ...ways,
  chunkedDown,
  head,
  manyAtOnce,
  ownHosts,
  unauthorised("no credentials", () => ""),
  unauthorised("wrong password", ({ login }) => `${login.username}:pxkwrong@`),
  wrongLoginSocks,
  closedPort,
];
