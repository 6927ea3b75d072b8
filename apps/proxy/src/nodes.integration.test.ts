import { consentMessage, channelBinding, enrolMessage, makeDeviceKey, signWithDeviceKey } from "@karvon/security";
import { createTunnel, type Tunnel } from "@karvon/tunnel";
import { type ControlMessage } from "@karvon/wire";
import { until } from "@karvon/testkit";
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { basic, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig, serviceToken } from "./test/rig.ts";
import { dialTls, startTestNode, type TestNode } from "./test/test-node.ts";

let rig: Rig;
let login: Login;
const open: TestNode[] = [];

beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
});
afterAll(() => rig.close());
beforeEach(async () => {
  for (const node of open.splice(0)) node.close();
  await until(async () => (await countNodes()) === 0);
});

async function addNode(options: Parameters<Rig["addNode"]>[0] = {}): Promise<TestNode> {
  const node = await rig.addNode(options);
  open.push(node);
  return node;
}

const countNodes = (): Promise<number> => rig.metric("karvon_tunnels");

async function available(): Promise<unknown> {
  return (await rig.ops("/availability", serviceToken)).json();
}

async function get(path = "/", suffix = "", who: Login = login): Promise<ReturnType<typeof readAnswer>> {
  const authority = `127.0.0.1:${rig.origin.port}`;
  const head = `GET http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${basic(`${who.username}${suffix}`, who.password)}\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, head));
}

function presence(nodeId: string, state: string): Promise<unknown> {
  return until(
    async () => {
      const { rows } = await rig.fixtures.pool.query("SELECT * FROM node_presence WHERE node_id = $1 AND state::text = $2", [
        nodeId,
        state,
      ]);
      return rows[0] ?? null;
    },
    { what: `presence ${state}`, timeoutMs: 8_000 },
  );
}

describe("a connecting node", () => {
  test("is told where it is seen, is found by requests, and is stored with its battery and place", async () => {
    const node = await addNode({ address: "198.51.100.7" });
    expect(node.verdict).toEqual({
      type: "ready",
      payload: { publicAddress: "198.51.100.7", country: "UZ", city: "Tashkent", asn: 8193, asnName: "Uzbektelekom" },
    });
    node.report({ network: "cellular", batteryPercent: 55 });
    await until(async () => JSON.stringify(await available()).includes('"mobile":1'));
    expect((await get("/", "-country-uz-type-mobile")).headers).toMatchObject({ "x-px-type": "mobile", "x-px-exit-ip": "198.51.100.7" });
    expect(await presence(node.nodeId, "idle")).toMatchObject({
      battery_percent: 55,
      network: "cellular",
      public_address: "198.51.100.7",
      country: "UZ",
      city: "Tashkent",
    });
  });

  test.each<[string, Parameters<Rig["addNode"]>[0], string]>([
    [
      "with another key",
      { tamper: (auth) => ({ ...auth, signature: signWithDeviceKey(makeDeviceKey("ed25519"), Buffer.from("x")).toString("base64url") }) },
      "auth_failed",
    ],
    ["with an old nonce", { nonce: randomBytes(32) }, "auth_failed"],
    ["whose proof was made for another connection", { binding: randomBytes(32) }, "auth_failed"],
    ["that nobody knows", { tamper: (auth) => ({ ...auth, nodeId: "nod_00000000000000000000000000" }) }, "auth_failed"],
    ["whose number was changed", { tamper: (auth) => ({ ...auth, sessionSeq: auth.sessionSeq + 1 }) }, "auth_failed"],
  ])("%s is refused, logged, and not in rotation", async (_what, options, code) => {
    const node = await addNode(options);
    expect(node.verdict).toMatchObject({ type: "refused", payload: { code } });
    await node.closed;
    expect(rig.logLines).toContainEqual(expect.objectContaining({ event: "tunnel.refused", code }));
    expect(await countNodes()).toBe(0);
  });

  test("with a session number that was used is refused", async () => {
    const node = await addNode();
    node.close();
    const again = await rig.redial(node, { sessionSeq: 1 });
    expect(again.verdict).toMatchObject({ type: "refused", payload: { code: "replayed" } });
  });

  test("that dials again replaces its older tunnel and stays in rotation", async () => {
    const first = await addNode();
    const second = await rig.redial(first);
    open.push(second);
    expect(second.verdict.type).toBe("ready");
    await first.closed;
    expect(await countNodes()).toBe(1);
    expect((await get()).status).toBe(200);
  });

  test("that says nothing is left after 10 s, and noise ends its own connection only", async () => {
    const noisy = connect(rig.proxy.tunnelPort, "127.0.0.1");
    noisy.on("error", () => undefined);
    noisy.write("GET / HTTP/1.1\r\n\r\n");
    await until(() => noisy.destroyed || noisy.readableEnded || noisy.closed);
    const silent = await dialTls(rig.proxy.tunnelPort);
    const controls: ControlMessage[] = [];
    createTunnel({ socket: silent, role: "node", onControl: (message) => controls.push(message) });
    await until(() => silent.destroyed || silent.readableEnded, { timeoutMs: 13_000 });
    expect(controls.at(-1)).toMatchObject({ type: "refused", payload: { code: "auth_timeout" } });
  });
});

describe("rotation", () => {
  test("loses a node at once when its tunnel ends, and the panels see it offline", async () => {
    const node = await addNode();
    expect((await get()).status).toBe(200);
    node.socket.destroy();
    await until(async () => (await countNodes()) === 0);
    expect((await get()).headers["x-error-code"]).toBe("no_exit");
    await presence(node.nodeId, "offline");
  });

  test("passes over a node that is not accepting, and comes back to it", async () => {
    const node = await addNode();
    node.report({ accepting: false, reason: "battery" });
    await until(async () => (await get()).headers["x-error-code"] === "no_exit");
    expect(await presence(node.nodeId, "limited")).toMatchObject({ state_reason: "battery" });
    node.report({ accepting: true });
    await until(async () => (await get()).status === 200);
  });

  test("obeys a pause and a suspension within 10 s, by notice or by polling", async () => {
    const node = await addNode();
    const { pool } = rig.fixtures;
    await pool.query("UPDATE node SET status = 'paused' WHERE id = $1", [node.nodeId]);
    await pool.query("SELECT karvon_notify('node', $1)", [node.nodeId]);
    await until(async () => (await get()).headers["x-error-code"] === "no_exit");
    expect(await countNodes()).toBe(1);
    await pool.query("UPDATE node SET status = 'suspended' WHERE id = $1", [node.nodeId]);
    await pool.query("UPDATE control_epoch SET epoch = epoch + 1");
    await until(async () => (await countNodes()) === 0, { timeoutMs: 10_000 });
    expect(node.controls).toContainEqual(
      expect.objectContaining({ type: "refused", payload: expect.objectContaining({ code: "node_suspended" }) }),
    );
  });

  test("drops a node whose owner withdraws consent, writes it down, and does not take it back", async () => {
    const node = await addNode();
    node.tunnel.sendControl("withdraw", {});
    await node.closed;
    expect(await countNodes()).toBe(0);
    await until(async () => {
      const { rows } = await rig.fixtures.pool.query("SELECT status::text FROM node WHERE id = $1", [node.nodeId]);
      return rows[0]?.status === "retired";
    });
    expect((await rig.redial(node)).verdict).toMatchObject({ type: "refused", payload: { code: "auth_failed" } });
  });
});

describe("a node that fails", () => {
  test("is passed over before the client has seen a byte", async () => {
    await addNode({ onOpen: (stream) => stream.reset("ownerStopped") });
    await addNode();
    for (let i = 0; i < 8; i += 1) expect((await get()).status).toBe(200);
  });

  test("alone is node_connect_failed", async () => {
    await addNode({ onOpen: (stream) => stream.reset("busy") });
    expect((await get()).headers["x-error-code"]).toBe("node_connect_failed");
  });

  test("by connecting to a private address gives the client nothing, and is shut out", async () => {
    const node = await addNode({
      onOpen(stream) {
        stream.opened({ address: "10.0.0.1", family: 4, connectMs: 1 });
      },
    });
    expect((await get()).headers["x-error-code"]).toBe("private_address");
    await node.closed;
    expect(rig.logLines).toContainEqual(expect.objectContaining({ event: "node.violation", nodeId: node.nodeId }));
    expect((await rig.redial(node)).verdict).toMatchObject({ type: "refused", payload: { code: "node_suspended" } });
  });

  test("by connecting elsewhere than the literal address gives the client nothing", async () => {
    await addNode({ onOpen: (stream) => stream.opened({ address: "127.0.0.9", family: 4, connectMs: 1 }) });
    expect((await get()).headers["x-error-code"]).toBe("node_connect_failed");
  });
});

describe("named sessions", () => {
  test("soft ones move when the node goes and say so once; hard ones are lost", async () => {
    const first = await addNode();
    const soft = await get("/", "-session-soft");
    const hard = await get("/", "-hardsession-hard");
    expect([soft.status, hard.status]).toEqual([200, 200]);
    await addNode();
    first.socket.destroy();
    await until(async () => (await countNodes()) === 1);
    const moved = await get("/", "-session-soft");
    expect(moved.headers).toMatchObject({ "x-px-ip-changed": "1", "x-px-session": "soft" });
    expect(moved.headers["x-px-exit-ip"]).not.toBe(soft.headers["x-px-exit-ip"]);
    expect((await get("/", "-session-soft")).headers).not.toHaveProperty("x-px-ip-changed");
    expect((await get("/", "-hardsession-hard")).headers["x-error-code"]).toBe("session_lost");
  });

  test("get another exit when their time is over", async () => {
    await addNode();
    await addNode();
    const first = await get("/", "-session-brief-ttl-1s");
    await until(async () => (await get("/", "-session-brief-ttl-1s")).headers["x-px-exit-ip"] !== first.headers["x-px-exit-ip"]);
  });

  test("of one group never share an exit address", async () => {
    await addNode();
    await addNode();
    const one = await get("/", "-session-a1-uniq-group");
    const two = await get("/", "-session-a2-uniq-group");
    expect(two.headers["x-px-exit-ip"]).not.toBe(one.headers["x-px-exit-ip"]);
    expect((await get("/", "-session-a3-uniq-group")).headers["x-error-code"]).toBe("no_exit");
  });
});

describe("enrolment", () => {
  async function enrol(token: Buffer, key = makeDeviceKey("p256")): Promise<ControlMessage> {
    const socket = await dialTls(rig.proxy.tunnelPort);
    const binding = channelBinding(socket);
    const tokenHash = createHash("sha256").update(token).digest();
    const consent = {
      publicKey: key.publicKey,
      version: "1",
      textSha256: createHash("sha256").update("text").digest(),
      acceptedAtMs: Date.now(),
    };
    const sign = (message: Buffer): string => signWithDeviceKey(key, message).toString("base64url");
    let tunnel: Tunnel | null = null;
    const verdict = await new Promise<ControlMessage>((resolve) => {
      tunnel = createTunnel({
        socket,
        role: "node",
        onControl(message) {
          if (message.type !== "challenge") return resolve(message);
          const { gatewayId } = message.payload;
          const nonce = Buffer.from(message.payload.nonce, "base64url");
          return tunnel?.sendControl("enrol", {
            token: token.toString("base64url"),
            algorithm: "p256",
            publicKey: key.publicKey.toString("base64url"),
            signature: sign(enrolMessage({ gatewayId, nonce, channelBinding: binding, tokenHash, consent })),
            label: "Phone",
            platform: "test",
            model: "test",
            agentVersion: "0",
            consent: {
              version: "1",
              textSha256: consent.textSha256.toString("base64url"),
              acceptedAtMs: consent.acceptedAtMs,
              signature: sign(consentMessage(consent)),
            },
          });
        },
      });
    });
    socket.destroy();
    return verdict;
  }

  test("takes a code once, and the new node may dial", async () => {
    const operator = await rig.fixtures.makeOperator();
    const token = randomBytes(16);
    await rig.fixtures.makeEnrolmentToken(operator.operatorId, createHash("sha256").update(token).digest());
    const key = makeDeviceKey("p256");
    const verdict = await enrol(token, key);
    expect(verdict).toMatchObject({ type: "enrolled", payload: { nodeId: expect.stringMatching(/^nod_/) } });
    if (verdict.type !== "enrolled") throw new Error("not enrolled");
    const { nodeId, keyId } = verdict.payload;
    const node = await startTestNode({ tunnelPort: rig.proxy.tunnelPort, nodeId, keyId, key, sessionSeq: 1, address: "198.51.100.99" });
    open.push(node);
    expect(node.verdict.type).toBe("ready");
    expect(await enrol(token)).toMatchObject({ type: "refused", payload: { code: "token_used" } });
    expect(await enrol(randomBytes(16))).toMatchObject({ type: "refused", payload: { code: "token_unknown" } });
  });
});
