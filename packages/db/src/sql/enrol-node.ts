import { newId } from "@karvon/domain";
import type { Pool } from "pg";
import { cleanText } from "./clean.ts";
import { inTransaction } from "./pool.ts";
import { run, runForOne } from "./statement.ts";
import type { EnrolmentTokenRow } from "./statements/index.ts";
import * as statements from "./statements/index.ts";
import type { EnrolmentOutcome, EnrolmentRequest } from "./types.ts";

const labelLengthMax = 120;

/** Uses the code up and makes the node, or changes nothing and says why. */
export function enrolNode(pool: Pool, request: EnrolmentRequest): Promise<EnrolmentOutcome> {
  return inTransaction(pool, async (client) => {
    const token = await runForOne(client, statements.lockEnrolmentToken, [request.tokenHash]);
    const reason = refusalOf(token);
    if (token === null || reason !== null) return { kind: "refused", reason: reason ?? "token_unknown" };
    const nodeId = newId("nod");
    const keyId = newId("key");
    const label = chooseLabel(request, token);
    const { consent } = request;
    const made = await run(client, statements.insertEnrolledNode, [
      nodeId,
      keyId,
      token.operator_id,
      label,
      cleanText(request.platform),
      cleanText(request.model),
      cleanText(request.agentVersion),
      request.algorithm,
      request.publicKey,
      request.fingerprint,
      token.is_demo,
      newId("cns"),
      consent.version,
      consent.textSha256,
      consent.acceptedAt,
      consent.signature,
      token.id,
    ]);
    if (made.length === 0) return { kind: "refused", reason: "key_known" };
    return {
      kind: "enrolled",
      nodeId,
      keyId,
      operatorId: token.operator_id,
      operatorName: token.operator_name,
      label,
      isDemo: token.is_demo,
    };
  });
}

type RefusalReason = Extract<EnrolmentOutcome, { kind: "refused" }>["reason"];

function refusalOf(token: EnrolmentTokenRow | null): RefusalReason | null {
  if (token === null) return "token_unknown";
  if (token.is_used) return "token_used";
  if (token.is_expired) return "token_expired";
  return token.is_operator_active ? null : "operator_suspended";
}

function chooseLabel(request: EnrolmentRequest, token: EnrolmentTokenRow): string {
  const wished = [request.label, token.label, request.model].map((text) =>
    cleanText(text ?? "")
      .trim()
      .slice(0, labelLengthMax),
  );
  return wished.find((text) => text !== "") ?? "node";
}
