import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { until } from "@karvon/testkit";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { adminCodeMail, confirmationMail } from "./letters.ts";
import type { Mail } from "./mailer.ts";
import { openOutbox } from "./outbox.ts";
import { openSmtpMailer } from "./smtp-mailer.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Received {
  readonly from: string;
  readonly to: string[];
  readonly text: string;
}

/** A real mail server that refuses the first `refusals` mails for a while (451). */
async function listenMail(refusals = 0) {
  const received: Received[] = [];
  let refused = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    onMailFrom(_address, _session, done) {
      refused += 1;
      done(refused <= refusals ? Object.assign(new Error("try later"), { responseCode: 451 }) : null);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map((to) => to.address),
          text: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
  });
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  closers.push(() => new Promise<void>((closed) => server.close(() => closed())));
  const address = server.server.address();
  return { received, url: `smtp://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}` };
}

const letter: Mail = { to: "someone@example.org", subject: "Hello", text: "Hello.\n" };

describe("a mail", () => {
  test("goes to its one recipient, from Karvon, with its code on a line of its own", async () => {
    const server = await listenMail();
    const mailer = openSmtpMailer(server.url);
    await mailer.send(adminCodeMail("admin@example.org", "01234567", "http://127.0.0.1:3000"));
    await mailer.send(confirmationMail("some+tag@example.org", "76543210", "http://127.0.0.1:3000"));
    await mailer.close();
    expect(server.received.map(({ from, to }) => ({ from, to }))).toEqual([
      { from: "no-reply@karvon.local", to: ["admin@example.org"] },
      { from: "no-reply@karvon.local", to: ["some+tag@example.org"] },
    ]);
    expect(server.received[0]?.text).toMatch(/^From: Karvon <no-reply@karvon\.local>\r$/m);
    expect(server.received[0]?.text).toMatch(/^Code: 01234567\r$/m);
    expect(server.received[1]?.text.replaceAll("=\r\n", "").replaceAll("=3D", "=")).toContain(
      "/confirm?email=some%2Btag%40example.org&code=76543210",
    );
  });

  test.each(["a@example.org, b@evil.example", '"x@evil.example x"@example.org', "A <a@example.org>", "A@EXAMPLE.org"])(
    "to %j is never handed to a mail server",
    async (to) => {
      const server = await listenMail();
      const mailer = openSmtpMailer(server.url);
      await expect(mailer.send({ ...letter, to })).rejects.toThrow("stored addresses only");
      await mailer.close();
      expect(server.received).toEqual([]);
    },
  );
});

describe("the outbox", () => {
  test("tries a mail again that the server refused for now", async () => {
    const server = await listenMail(2);
    const failures: unknown[] = [];
    const outbox = openOutbox({ mailer: openSmtpMailer(server.url), onFailure: (cause) => failures.push(cause), retryAfterMs: [5, 5] });
    expect(outbox.post(letter)).toBe(true);
    await until(() => server.received.length === 1);
    await outbox.close();
    expect(failures).toEqual([]);
  });

  test("gives a mail up after its tries, says so, and goes on with the next", async () => {
    const server = await listenMail(3);
    const failures: unknown[] = [];
    const outbox = openOutbox({ mailer: openSmtpMailer(server.url), onFailure: (cause) => failures.push(cause), retryAfterMs: [5, 5] });
    outbox.post(letter);
    outbox.post({ ...letter, to: "next@example.org" });
    await until(() => server.received.length === 1);
    await outbox.close();
    expect(failures).toHaveLength(1);
    expect(server.received[0]?.to).toEqual(["next@example.org"]);
  });

  test("does not keep a stop waiting for a server that is silent, and takes a thousand mails at most", async () => {
    const sockets = new Set<Socket>();
    const silent: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => silent.close(closed));
    });
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const outbox = openOutbox({ mailer: openSmtpMailer(`smtp://127.0.0.1:${port}`), onFailure: () => undefined, retryAfterMs: [] });
    const taken = Array.from({ length: 1_010 }, () => outbox.post(letter));
    expect(taken.filter(Boolean).length).toBeLessThanOrEqual(1_001);
    expect(taken.at(-1)).toBe(false);
    const startMs = Date.now();
    await outbox.close();
    expect(Date.now() - startMs).toBeLessThan(7_000);
  });
});
