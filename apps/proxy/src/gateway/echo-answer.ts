/**
 * What the echo service says: which exit a request would leave by, and how much has been used.
 *
 * The gateway answers it itself from what the router chose: nothing leaves, nothing is billed, and no device hears of it.
 * The name is under a top-level domain that the destination policy keeps from ever being resolved.
 */
import { type Refusal, refuse } from "@karvon/domain";
import type { SessionLog } from "../radar/session-log.ts";
import type { Principal } from "../session/authorise.ts";
import type { PreviewedExit, SessionOpener } from "../session/open-session.ts";
import { exitLines } from "./exit-fields.ts";

const echoHost = "echo.karvon";
const echoPort = 80;

export function isEchoHost(host: string): boolean {
  if (host.length < echoHost.length || host.length > echoHost.length + 1) return false;
  const name = host.toLowerCase();
  return name === echoHost || name === `${echoHost}.`;
}

/** The exit that the answer is about. The service has one port; on another one there is nobody. */
export function openEcho(
  opener: SessionOpener,
  ask: { requestId: string; principal: Principal; port: number },
): Promise<PreviewedExit | Refusal> {
  if (ask.port === echoPort) return opener.preview(ask);
  return Promise.resolve(refuse("port_blocked", `the echo service answers on port ${echoPort} only`));
}

/** The answer to a request in absolute-form; it ends the connection. */
export async function answerEcho(
  context: { readonly opener: SessionOpener; readonly sessions: SessionLog },
  ask: { requestId: string; principal: Principal; port: number },
  isHead: boolean,
): Promise<Buffer | Refusal> {
  const exit = await openEcho(context.opener, ask);
  if (exit.kind === "refused") return exit;
  return renderEcho({ ...ask, exit, sessions: context.sessions }, { isHead, keepsOpen: false });
}

export interface EchoQuestion {
  readonly requestId: string;
  readonly principal: Principal;
  readonly exit: PreviewedExit;
  readonly sessions: SessionLog;
}

/** A whole HTTP/1.1 answer. */
export function renderEcho(question: EchoQuestion, options: { readonly isHead: boolean; readonly keepsOpen: boolean }): Buffer {
  const { requestId, exit } = question;
  const body = Buffer.from(`${JSON.stringify(echoFacts(question))}\n`);
  const head =
    `HTTP/1.1 200 OK\r\n${exitLines(requestId, exit)}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
    `Cache-Control: no-store\r\nConnection: ${options.keepsOpen ? "keep-alive" : "close"}\r\n\r\n`;
  return options.isHead ? Buffer.from(head, "latin1") : Buffer.concat([Buffer.from(head, "latin1"), body]);
}

function echoFacts({ requestId, principal, exit, sessions }: EchoQuestion): object {
  const { account } = principal;
  const { node, sticky, stickyName } = exit;
  const { country, region, city, asn, asnName } = node.place;
  return {
    ip: node.publicAddress === "" ? null : node.publicAddress,
    country,
    state: region,
    city,
    asn,
    asnName,
    type: node.connectionType,
    session:
      sticky === null || stickyName === null
        ? null
        : {
            name: stickyName,
            expiresAt: new Date(sticky.expiresAtMs).toISOString(),
            isExitChanged: exit.isExitChanged,
            bytes: sticky.carriedBytes + openBytes(sessions, principal, stickyName),
          },
    proxyUser: { name: account.username, bytes: account.usedBytes + account.pendingBytes },
    requestId,
  };
}

/** What connections of the session that are still open have carried so far. */
function openBytes(sessions: SessionLog, { account }: Principal, stickyName: string): number {
  let bytes = 0;
  for (const { user, facts, upBytes, downBytes } of sessions.listOpen()) {
    if (user === account && facts.stickySession === stickyName) bytes += upBytes + downBytes;
  }
  return bytes;
}
