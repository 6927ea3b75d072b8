/** A panel without its HTTP side, for tests: a database of its own, a real mail server, a clock that the test moves. */
import { createPrisma, openStatements, type PrismaClient, type Statements } from "@karvon/db";
import { openPaymentMethods, type PaymentSettings, testPaymentsOnly } from "@karvon/payments";
import { createTestDatabase, openFixtures, until, type Fixtures } from "@karvon/testkit";
import { newId, noEgressAllow } from "@karvon/domain";
import { SMTPServer } from "smtp-server";
import type { Actor, AdminActor, ClientActor, OperatorActor } from "../actor.ts";
import { createAttemptLimits } from "../auth/attempt-limits.ts";
import type { RequestFacts, ServiceContext } from "../context.ts";
import { openOutbox } from "../mail/outbox.ts";
import { openSmtpMailer } from "../mail/smtp-mailer.ts";
import { createTurnBatches } from "../turn-batches.ts";

export interface ReceivedMail {
  readonly recipients: readonly string[];
  readonly text: string;
}

export interface TestPanel {
  readonly database: PrismaClient;
  readonly statements: Statements;
  readonly fixtures: Fixtures;
  readonly mails: readonly ReceivedMail[];
  /** Of the mail server that receives them. */
  readonly smtpUrl: string;
  ctx(actor: Actor, request?: Partial<RequestFacts>): ServiceContext;
  client(): Promise<ClientActor & { email: string }>;
  operator(): Promise<OperatorActor & { email: string }>;
  admin(): Promise<AdminActor & { email: string }>;
  /** The code in the newest mail to that address, once there are `count` of them. */
  codeFor(email: string, count?: number): Promise<string>;
  moveClock(ms: number): void;
  countAudits(): Promise<number>;
  close(): Promise<void>;
}

export async function openPanel(paymentSettings: PaymentSettings = testPaymentsOnly): Promise<TestPanel> {
  const testDatabase = await createTestDatabase();
  const database = createPrisma({ url: testDatabase.url });
  const statements = openStatements({ url: testDatabase.url });
  const batches = createTurnBatches(statements);
  const fixtures = openFixtures(testDatabase.url);
  const mailServer = await startMailServer();
  const smtpUrl = `smtp://127.0.0.1:${mailServer.port}`;
  const mailer = openSmtpMailer(smtpUrl);
  const outbox = openOutbox({ mailer, onFailure: () => undefined });
  const attempts = createAttemptLimits();
  const payments = openPaymentMethods(paymentSettings);
  let movedMs = 0;
  const addAdmin = async (email: string): Promise<string> => {
    const { id } = await database.user.create({
      data: { id: newId("usr"), email, role: "admin", emailVerifiedAt: new Date() },
      select: { id: true },
    });
    return id;
  };
  return {
    database,
    statements,
    fixtures,
    mails: mailServer.mails,
    smtpUrl,
    ctx: (actor, request = {}) => ({
      database,
      statements,
      batches,
      outbox,
      attempts,
      network: {
        proxyHost: "127.0.0.1",
        proxyPort: 7000,
        tunnelHost: "127.0.0.1",
        tunnelPort: 7443,
        tunnelSpkiPin: Buffer.alloc(32, 7).toString("base64url"),
      },
      payments,
      panelUrl: "http://127.0.0.1:3000",
      pepper: Buffer.alloc(32, 1),
      sourceAllow: noEgressAllow,
      now: () => new Date(Date.now() + movedMs),
      findAvailability: () => Promise.resolve({ countries: [], total: 0 }),
      findCountryPlaces: (country) =>
        Promise.resolve({ country, nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 }, states: [], cities: [], networks: [] }),
      actor,
      request: { ipAddress: "192.0.2.1", userAgent: "test", browserSecret: null, ...request },
    }),
    async client() {
      const { userId, clientId, email } = await fixtures.makeClient();
      return { kind: "client", userId, clientId, email, sessionId: await addSignIn(database, userId) };
    },
    async operator() {
      const { userId, operatorId, email } = await fixtures.makeOperator();
      return { kind: "operator", userId, operatorId, email, sessionId: await addSignIn(database, userId) };
    },
    async admin() {
      const email = `${newId("usr")}@test.local`;
      const userId = await addAdmin(email);
      return { kind: "admin", userId, email, sessionId: await addSignIn(database, userId) };
    },
    async codeFor(email, count = 1) {
      const mail = await until(() => mailServer.mails.filter((one) => one.recipients.includes(email))[count - 1], {
        what: `mail ${count} to ${email}`,
      });
      const code = /^Code: (\d{8})\r?$/m.exec(mail.text)?.[1];
      if (code === undefined) throw new Error(`no code in: ${mail.text}`);
      return code;
    },
    moveClock(ms) {
      movedMs += ms;
    },
    countAudits: () => database.auditLog.count(),
    async close() {
      await outbox.close();
      await mailServer.close();
      await statements.close();
      await database.$disconnect();
      await fixtures.close();
      await testDatabase.drop();
    },
  };
}

async function addSignIn(database: PrismaClient, userId: string): Promise<string> {
  const { id } = await database.signInSession.create({
    data: { id: newId("sis"), userId, expiresAt: new Date(Date.now() + 3_600_000), ipAddress: "192.0.2.200" },
    select: { id: true },
  });
  return id;
}

interface MailServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  close(): Promise<void>;
}

function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push({ recipients: session.envelope.rcptTo.map((to) => to.address), text: Buffer.concat(chunks).toString("utf8") });
        done();
      });
    },
  });
  server.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({ port, mails, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}
