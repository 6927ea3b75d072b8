/** A session of a new client over a node of a new operator. */
import type { SessionFacts } from "@karvon/billing";
import { newId } from "@karvon/domain";
import type { Fixtures } from "@karvon/testkit";

export async function makeFacts(fixtures: Fixtures, some: Partial<SessionFacts> = {}): Promise<SessionFacts> {
  const { clientId } = await fixtures.makeClient();
  const { proxyUserId } = await fixtures.makeProxyUser(clientId);
  const { operatorId } = await fixtures.makeOperator();
  const { nodeId } = await fixtures.makeNode(operatorId);
  const place = { exitAddress: null, exitCountry: null, exitCity: null, exitAsn: null, connectionType: null, clientAddress: null };
  const target = { protocol: "connect", targetHost: "example.com", targetPort: 443 } as const;
  const rest = { stickySession: null, tag: null, connectMs: 1, hasPassword: true, failedAttempts: 0 };
  const who = { clientId, proxyUserId, operatorId, nodeId, priceId: fixtures.priceId };
  return { id: newId("ses"), openedAtMs: Date.now(), ...who, ...place, ...target, ...rest, ...some };
}
