import { newId } from "@karvon/domain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getPrice } from "../client/get-price.ts";
import { listPacks } from "../client/list-packs.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";
import { getRateCard } from "../operator/get-rate-card.ts";
import { listPrices } from "./list-prices.ts";
import { publishPrice } from "./publish-price.ts";
import { withdrawPrice } from "./withdraw-price.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const reason = "because of a test";
const hourMs = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * hourMs);
const version = (usdPerGb: string, operatorUsdPerGb: string, validFrom?: Date) => ({
  name: `At ${usdPerGb}`,
  usdPerGb,
  operatorUsdPerGb,
  reason,
  rates: [],
  tiers: [],
  ...(validFrom === undefined ? {} : { validFrom: validFrom.toISOString() }),
});

test("a version holds from its instant on, and the one before it until then", async () => {
  const [admin, client] = [panel.ctx(await panel.admin()), await panel.client()];
  const tomorrow = inHours(24);
  const { id } = await publishPrice(admin, version("2.505", "1.5", tomorrow));
  const priceAt = (at: Date) => getPrice(panel.ctx(client), client.clientId, at);
  expect(await priceAt(new Date(tomorrow.getTime() - 1))).toEqual({ id: panel.fixtures.priceId, picoUsdPerByte: 3_000n });
  expect(await priceAt(tomorrow)).toEqual({ id, picoUsdPerByte: 2_505n });
  const { items } = await listPrices(admin, {});
  expect(items.map(({ state, picoUsdPerByte, operatorPicoUsdPerByte }) => [state, picoUsdPerByte, operatorPicoUsdPerByte])).toEqual([
    ["planned", 2_505n, 1_500n],
    ["current", 3_000n, 1_800n],
  ]);
  await withdrawPrice(admin, { id, reason });
  expect(await priceAt(tomorrow)).toMatchObject({ id: panel.fixtures.priceId });
  expect(await refusalOf(withdrawPrice(admin, { id, reason }))).toBe("STATE_CONFLICT");
});

test("its rates are what operators read, and only its own", async () => {
  const [admin, operator] = [panel.ctx(await panel.admin()), panel.ctx(await panel.operator())];
  expect(await getRateCard(operator)).toMatchObject({ operatorPicoUsdPerByte: 1_800n, rates: [] });
  const rates = [
    { country: "DE", connectionType: "mobile" as const, usdPerGb: "2.4" },
    { country: null, connectionType: "mobile" as const, usdPerGb: "1.9" },
    { country: "DE", connectionType: null, usdPerGb: "2.1" },
  ];
  const { id } = await publishPrice(admin, { ...version("3", "1"), rates });
  const shown = [
    { country: "DE", connectionType: "mobile", operatorPicoUsdPerByte: 2_400n },
    { country: "DE", connectionType: null, operatorPicoUsdPerByte: 2_100n },
    { country: null, connectionType: "mobile", operatorPicoUsdPerByte: 1_900n },
  ];
  expect(await getRateCard(operator)).toMatchObject({ operatorPicoUsdPerByte: 1_000n, rates: shown });
  const { items } = await listPrices(admin, {});
  expect(items.find((price) => price.id === id)).toMatchObject({ state: "current", rates: shown });
  expect(await refusalOf(publishPrice(admin, { ...version("2", "1"), rates }))).toBe("INPUT_INVALID");
});

test("one that is in force is not withdrawn, and packs cost what it says", async () => {
  const [admin, client] = [panel.ctx(await panel.admin()), await panel.client()];
  const { id } = await publishPrice(admin, version("4", "4"));
  expect((await listPacks(panel.ctx(client)))[0]).toMatchObject({ amountMicroUsd: 4_000_000n });
  expect(await refusalOf(withdrawPrice(admin, { id, reason }))).toBe("STATE_CONFLICT");
  expect(await refusalOf(withdrawPrice(admin, { id: newId("prc"), reason }))).toBe("NOT_FOUND");
});

test("none begins in the past, together with another one, or with more for operators than clients pay", async () => {
  const admin = panel.ctx(await panel.admin());
  const audits = await panel.countAudits();
  expect(await refusalOf(publishPrice(admin, version("3", "1", inHours(-1))))).toBe("INPUT_INVALID");
  expect(await refusalOf(publishPrice(admin, version("3", "3.001")))).toBe("INPUT_INVALID");
  expect(await panel.countAudits()).toBe(audits);
  const later = inHours(48);
  await publishPrice(admin, version("3", "1", later));
  expect(await refusalOf(publishPrice(admin, version("5", "1", later)))).toBe("STATE_CONFLICT");
});
