import { newId } from "@karvon/domain";
import type { Statements } from "@karvon/db";
import { slowHash } from "@karvon/security";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous } from "../actor.ts";
import type { RequestFacts } from "../context.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";
import { createTurnBatches } from "../turn-batches.ts";
import { confirmEmail } from "./confirm-email.ts";
import { requestAdminCode } from "./request-admin-code.ts";
import { resendConfirmation } from "./resend-confirmation.ts";
import { createSignInDirectory } from "./sign-in-directory.ts";
import { signInWithAdminCode } from "./sign-in-with-admin-code.ts";
import { signInWithPassword } from "./sign-in-with-password.ts";
import { signUp } from "./sign-up.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const minuteMs = 60_000;
const password = "correct horse battery";

const visitor = (request: Partial<RequestFacts> = {}) => panel.ctx(anonymous, request);

let addresses = 10;
/** Each asker its own IP address, so that one test's codes do not count for the next. */
const freshAddress = (): string => `198.51.100.${(addresses += 1)}`;
const freshEmail = (name: string): string => `${name}-${crypto.randomUUID().slice(0, 8)}@test.local`;

const wrongOf = (code: string): string => (code === "00000000" ? "00000001" : "00000000");

async function askForCode(email: string, ipAddress = freshAddress(), count = 1) {
  const { browserSecret } = await requestAdminCode(visitor({ ipAddress }), { email });
  return { browserSecret, code: await panel.codeFor(email, count) };
}

describe("signing up", () => {
  test("makes an account that signs in once the mailed code has come back from the same browser", async () => {
    const email = freshEmail("new");
    const ipAddress = freshAddress();
    const { browserSecret } = await signUp(visitor({ ipAddress }), { email, password, role: "client" });
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email, password }))).toBe("EMAIL_NOT_CONFIRMED");
    const code = await panel.codeFor(email);
    const before = await panel.countAudits();
    expect(await confirmEmail(visitor({ browserSecret }), { email, code })).toEqual({ email });
    expect(await panel.countAudits()).toBe(before + 1);
    const { viewer } = await signInWithPassword(visitor({ ipAddress }), { email, password });
    expect(viewer).toMatchObject({ email, role: "client", isDemo: false });
    expect(await panel.database.client.count({ where: { userId: viewer.id } })).toBe(1);
  });

  test("answers the same for an address that is taken, changes nothing and writes to its owner", async () => {
    const { email, userId } = await panel.fixtures.makeClient();
    const answer = await signUp(visitor({ ipAddress: freshAddress() }), { email, password, role: "operator" });
    expect(answer.email).toBe(email);
    const user = await panel.database.user.findUniqueOrThrow({ where: { id: userId } });
    expect(user.passwordHash).toBeNull();
    expect(user.role).toBe("client");
    await expect(panel.codeFor(email)).rejects.toThrow("You already have");
  });

  test("lets nobody leave a password on an address for its owner to confirm", async () => {
    const email = freshEmail("victim");
    const owner = await signUp(visitor({ ipAddress: freshAddress() }), { email, password: "the owner's password", role: "client" });
    const thief = await signUp(visitor({ ipAddress: freshAddress() }), { email, password: "the thief's password", role: "client" });
    const [ownersCode, thiefsCode] = [await panel.codeFor(email, 1), await panel.codeFor(email, 2)];
    const ownersBrowser = visitor({ browserSecret: owner.browserSecret, ipAddress: freshAddress() });
    expect(await refusalOf(confirmEmail(ownersBrowser, { email, code: ownersCode }))).toBe("CODE_EXPIRED");
    expect(await refusalOf(confirmEmail(ownersBrowser, { email, code: thiefsCode }))).toBe("CODE_EXPIRED");
    await resendConfirmation(ownersBrowser, { email });
    const mails = panel.mails.filter((mail) => mail.recipients.includes(email));
    expect(mails).toHaveLength(2);
    expect(thief.browserSecret).not.toBe(owner.browserSecret);
  });

  test("sends a new code to the browser that signed up", async () => {
    const email = freshEmail("slow");
    const ipAddress = freshAddress();
    const { browserSecret } = await signUp(visitor({ ipAddress }), { email, password, role: "operator" });
    await panel.codeFor(email, 1);
    await resendConfirmation(visitor({ ipAddress, browserSecret }), { email });
    const code = await panel.codeFor(email, 2);
    await confirmEmail(visitor({ browserSecret }), { email, code });
    expect(await panel.database.operator.count({ where: { user: { email } } })).toBe(1);
  });
});

describe("an admin's mailed code", () => {
  test("signs in once, in the browser that asked", async () => {
    const { email } = await panel.admin();
    const { browserSecret, code } = await askForCode(email);
    expect(await refusalOf(signInWithAdminCode(visitor(), { email, code }))).toBe("CODE_EXPIRED");
    expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret: "x".repeat(43) }), { email, code }))).toBe("CODE_EXPIRED");
    const before = await panel.countAudits();
    const opened = await signInWithAdminCode(visitor({ browserSecret }), { email, code });
    expect(opened.viewer).toMatchObject({ email, role: "admin" });
    expect(await panel.countAudits()).toBe(before + 1);
    expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code }))).toBe("CODE_EXPIRED");
  });

  test("is compared five times at most, however many tries come at once", async () => {
    const { email } = await panel.admin();
    const { browserSecret, code } = await askForCode(email);
    const guesses = Array.from({ length: 8 }, () =>
      refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code: wrongOf(code) })),
    );
    const answers = await Promise.all(guesses);
    expect(answers.filter((answer) => answer === "CODE_WRONG")).toHaveLength(5);
    expect(answers.filter((answer) => answer === "TRIES_EXCEEDED")).toHaveLength(3);
    expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code }))).toBe("TRIES_EXCEEDED");
  });

  test("is used once when two ask at the same moment", async () => {
    const { email } = await panel.admin();
    const { browserSecret, code } = await askForCode(email);
    const both = await Promise.all([1, 2].map(() => refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code }))));
    expect(both.toSorted()).toEqual(["CODE_EXPIRED", "nothing refused it"]);
  });

  test("cannot be used up by another browser", async () => {
    const { email } = await panel.admin();
    const { browserSecret, code } = await askForCode(email);
    const stranger = visitor({ browserSecret: "y".repeat(43) });
    for (let i = 0; i < 6; i += 1)
      expect(await refusalOf(signInWithAdminCode(stranger, { email, code: wrongOf(code) }))).toBe("CODE_EXPIRED");
    expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code }))).toBe("nothing refused it");
  });

  test("ends after ten minutes", async () => {
    const { email } = await panel.admin();
    const { browserSecret, code } = await askForCode(email);
    panel.moveClock(10 * minuteMs + 1);
    expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret }), { email, code }))).toBe("CODE_EXPIRED");
  });

  test("is asked for three times in fifteen minutes and not once more, by known and unknown alike", async () => {
    const { email } = await panel.admin();
    for (const asked of [email, freshEmail("nobody")]) {
      for (let i = 0; i < 3; i += 1) await requestAdminCode(visitor({ ipAddress: freshAddress() }), { email: asked });
      expect(await refusalOf(requestAdminCode(visitor({ ipAddress: freshAddress() }), { email: asked }))).toBe("TRIES_EXCEEDED");
    }
    panel.moveClock(15 * minuteMs + 1);
    expect(await refusalOf(requestAdminCode(visitor({ ipAddress: freshAddress() }), { email }))).toBe("nothing refused it");
  });

  test("is asked for three times even when six ask at once", async () => {
    const email = freshEmail("rush");
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => refusalOf(requestAdminCode(visitor({ ipAddress: freshAddress() }), { email }))),
    );
    expect(answers.filter((answer) => answer === "nothing refused it")).toHaveLength(3);
  });

  test("is asked for thirty times an hour from one address", async () => {
    const ipAddress = freshAddress();
    const now = panel.ctx(anonymous).now();
    await panel.database.otpChallenge.createMany({
      data: Array.from({ length: 29 }, () => ({
        id: newId("otp"),
        email: freshEmail("many"),
        purpose: "admin_sign_in" as const,
        codeHash: "",
        ipAddress,
        createdAt: new Date(now.getTime() - 59 * minuteMs),
        expiresAt: now,
      })),
    });
    expect(await refusalOf(requestAdminCode(visitor({ ipAddress }), { email: freshEmail("many") }))).toBe("nothing refused it");
    expect(await refusalOf(requestAdminCode(visitor({ ipAddress }), { email: freshEmail("many") }))).toBe("TRIES_EXCEEDED");
  });

  test("is mailed to admins only, and what it answers says nothing about that", async () => {
    const { email: clientEmail } = await panel.fixtures.makeClient();
    const unknown = freshEmail("unknown");
    for (const email of [clientEmail, unknown]) {
      const answer = await requestAdminCode(visitor({ ipAddress: freshAddress() }), { email });
      expect(answer.browserSecret).toHaveLength(43);
      expect(await refusalOf(signInWithAdminCode(visitor({ browserSecret: answer.browserSecret }), { email, code: "12345678" }))).toBe(
        "CODE_WRONG",
      );
    }
    const { email } = await panel.admin();
    await askForCode(email);
    expect(panel.mails.some((mail) => mail.recipients.includes(clientEmail) || mail.recipients.includes(unknown))).toBe(false);
  });
});

describe("a password", () => {
  async function makeMember() {
    const { userId, email } = await panel.fixtures.makeClient();
    await panel.database.user.update({ where: { id: userId }, data: { passwordHash: await slowHash(password) }, select: { id: true } });
    return { userId, email };
  }

  test("signs in; a wrong one, an unknown address and an admin's address get one answer", async () => {
    const { email } = await makeMember();
    const { email: adminEmail } = await panel.admin();
    expect((await signInWithPassword(visitor(), { email, password })).viewer.email).toBe(email);
    const ipAddress = freshAddress();
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email, password: "wrong" }))).toBe("SIGN_IN_FAILED");
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email: freshEmail("none"), password }))).toBe("SIGN_IN_FAILED");
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email: adminEmail, password }))).toBe("SIGN_IN_FAILED");
  });

  test("is tried ten times from one address; the owner's own address stays open", async () => {
    const { email } = await makeMember();
    const [home, attacker] = [freshAddress(), freshAddress()];
    await signInWithPassword(visitor({ ipAddress: home }), { email, password });
    const tries = await Promise.all(
      Array.from({ length: 12 }, () => refusalOf(signInWithPassword(visitor({ ipAddress: attacker }), { email, password: "wrong" }))),
    );
    expect(tries.filter((answer) => answer === "TRIES_EXCEEDED")).toHaveLength(2);
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress: attacker }), { email, password }))).toBe("TRIES_EXCEEDED");
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress: home }), { email, password }))).toBe("nothing refused it");
  });

  test("of a suspended account is told so only when it is right", async () => {
    const { userId, email } = await makeMember();
    await panel.database.user.update({ where: { id: userId }, data: { status: "suspended" }, select: { id: true } });
    const ipAddress = freshAddress();
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email, password: "wrong" }))).toBe("SIGN_IN_FAILED");
    expect(await refusalOf(signInWithPassword(visitor({ ipAddress }), { email, password }))).toBe("ACCOUNT_SUSPENDED");
  });
});

describe("a sign-in session", () => {
  const directory = () =>
    createSignInDirectory({ database: panel.database, batches: createTurnBatches(panel.statements), now: panel.ctx(anonymous).now });

  test("stands for its owner until it is revoked, and never after", async () => {
    const client = await panel.client();
    const found = await directory().find(client.sessionId);
    expect(found?.actor).toMatchObject({ kind: "client", clientId: client.clientId, userId: client.userId });
    await panel.database.signInSession.update({ where: { id: client.sessionId }, data: { revokedAt: new Date() }, select: { id: true } });
    expect(await directory().find(client.sessionId)).toBeNull();
  });

  test("ends with its account's suspension, with a changed role, after idling and at its own end", async () => {
    const [suspended, changed, idle, over] = await Promise.all([panel.client(), panel.client(), panel.admin(), panel.operator()]);
    await panel.database.user.update({ where: { id: suspended.userId }, data: { status: "suspended" }, select: { id: true } });
    await panel.database.user.update({ where: { id: changed.userId }, data: { role: "operator" }, select: { id: true } });
    await panel.database.signInSession.update({
      where: { id: idle.sessionId },
      data: { lastSeenAt: new Date(panel.ctx(anonymous).now().getTime() - 31 * minuteMs) },
      select: { id: true },
    });
    await panel.database.signInSession.update({ where: { id: over.sessionId }, data: { expiresAt: new Date(0) }, select: { id: true } });
    for (const { sessionId } of [suspended, changed, idle, over]) expect(await directory().find(sessionId)).toBeNull();
  });

  test("asked for fifty times at once, it is read in one statement", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => panel.client()));
    let asked = 0;
    const statements: Pick<Statements, "query"> = {
      query: (statement, values) => {
        asked += 1;
        return panel.statements.query(statement, values);
      },
    };
    const busy = createSignInDirectory({ database: panel.database, batches: createTurnBatches(statements), now: panel.ctx(anonymous).now });
    const found = await Promise.all(Array.from({ length: 50 }, (_, index) => busy.find(clients[index % 5]?.sessionId ?? "")));
    expect(found.every((one) => one !== null)).toBe(true);
    expect(asked).toBe(1);
  });
});
