import { noEgressAllow } from "@karvon/domain";
import { expect, test } from "vitest";
import { Cancellation, connectTarget, limitLookups, type Resolver } from "./connect-target.ts";
import { createOwnNetworks } from "./own-networks.ts";

test("a device that resolves too many names at once is busy, also when nobody waits for them any more, and recovers", async () => {
  const answers: (() => void)[] = [];
  const slow: Resolver = () => new Promise((resolve) => answers.push(() => resolve([])));
  const rules = { allow: noEgressAllow, own: createOwnNetworks(), resolve: limitLookups(slow) };
  const ask = (cancellation = new Cancellation()): ReturnType<typeof connectTarget> =>
    connectTarget({ host: "slow.example", port: 80 }, rules, cancellation);
  const waiting = Array.from({ length: 256 }, () => {
    const cancellation = new Cancellation();
    const outcome = ask(cancellation);
    cancellation.cancel();
    return outcome;
  });
  expect(await ask()).toMatchObject({ kind: "refused", code: "busy" });
  expect(answers).toHaveLength(256);
  for (const answer of answers.splice(0)) answer();
  await Promise.all(waiting);
  const next = ask();
  expect(answers).toHaveLength(1);
  answers[0]?.();
  expect(await next).toMatchObject({ code: "dns" });
});
