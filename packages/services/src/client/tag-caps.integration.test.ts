import { afterAll, beforeAll, expect, test } from "vitest";
import { TagCapInput } from "../inputs/limits.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";
import { deleteTagCap } from "./delete-tag-cap.ts";
import { listTagCaps } from "./list-tag-caps.ts";
import { setTagCap, tagCapsMax } from "./set-tag-cap.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

test("a tag's caps are listed with what gateways said was used, and other caps do not begin anew", async () => {
  const client = await panel.client();
  const ctx = panel.ctx(client);
  await setTagCap(ctx, { tag: "crawl", totalGb: null, dayGb: 0.3, monthGb: null });
  const gatewayId = await panel.fixtures.makeGateway();
  const take = "SELECT granted FROM tag_take($1, 'crawl', $2, 1, $3, $4, 1048576)";
  await panel.fixtures.pool.query(take, [client.clientId, gatewayId, 1, null]);
  await panel.fixtures.pool.query(take, [client.clientId, gatewayId, 2, 1_000_000]);
  await setTagCap(ctx, { tag: "crawl", totalGb: 5, dayGb: null, monthGb: 2 });
  const used = { usedBytes: 1_000_000n, dayUsedBytes: 1_000_000n, monthUsedBytes: 1_000_000n };
  expect(await listTagCaps(ctx)).toEqual([
    {
      tag: "crawl",
      ...used,
      totalLimitBytes: 5_000_000_000n,
      dayLimitBytes: null,
      monthLimitBytes: 2_000_000_000n,
      createdAt: expect.any(Date) as Date,
    },
  ]);
  await deleteTagCap(ctx, { tag: "crawl" });
  expect(await listTagCaps(ctx)).toEqual([]);
});

test(`a client has ${tagCapsMax} tags with caps at most, and may still change those`, async () => {
  const client = await panel.client();
  const ctx = panel.ctx(client);
  await panel.fixtures.pool.query(
    "INSERT INTO tag_cap (client_id, tag, day_limit_bytes) SELECT $1, 'tag' || n, 1 FROM generate_series(1, $2::int) AS n",
    [client.clientId, tagCapsMax],
  );
  expect(await refusalOf(setTagCap(ctx, { tag: "more", totalGb: 1, dayGb: null, monthGb: null }))).toBe("LIMIT_EXCEEDED");
  await setTagCap(ctx, { tag: "tag7", totalGb: null, dayGb: 12.345, monthGb: null });
  const caps = await listTagCaps(ctx);
  expect([caps.length, caps.find(({ tag }) => tag === "tag7")?.dayLimitBytes]).toEqual([tagCapsMax, 12_345_000_000n]);
});

test.each([
  ["no limit at all", { tag: "a", totalGb: null, dayGb: null, monthGb: null }],
  ["less than a megabyte", { tag: "a", totalGb: 0.0005, dayGb: null, monthGb: null }],
  ["more digits than megabytes", { tag: "a", totalGb: 1.0005, dayGb: null, monthGb: null }],
  ["a tag that no username can hold", { tag: "a b", totalGb: 1, dayGb: null, monthGb: null }],
])("%s is no cap", (_what, input) => {
  expect(TagCapInput.safeParse(input).success).toBe(false);
});
