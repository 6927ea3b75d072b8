import type { OrderDocument } from "@karvon/domain";
import { describe, expect, test } from "vitest";
import { renderOrderDocument } from "./order-document.ts";

const invoice: OrderDocument = {
  kind: "invoice",
  number: 17n,
  orderId: "ord_01",
  orderedAt: new Date("2026-11-28T10:00:00Z"),
  expiresAt: new Date("2026-12-12T10:00:00Z"),
  paidAt: null,
  cancelledAt: null,
  refundedAt: null,
  seller: ["Karvon Test LLC", "Account 1"],
  buyer: { name: "Ғайрат Ўктамов", email: "g@example.com" },
  line: "5 GB of traffic",
  currency: "UZS",
  chargeMinor: 18_975_700n,
  conversion: { priceUsd: "15.00", perUsd: 1_265_045n },
  paidBy: "bank transfer",
  isTransfer: true,
  paidRef: null,
  isTest: false,
};

/** The letters that the file's fonts can be read back as (ToUnicode maps). */
async function lettersOf(facts: OrderDocument): Promise<Set<string>> {
  const text = (await renderOrderDocument(facts, { isCompressed: false })).toString("latin1");
  const maps = text.match(/beginbfrange[\s\S]*?endbfrange/g) ?? [];
  return new Set(
    maps.flatMap((map) => map.match(/<[0-9a-f]{4}>/gi) ?? []).map((code) => String.fromCodePoint(Number.parseInt(code.slice(1, 5), 16))),
  );
}

describe("a document", () => {
  test("is a PDF of one page", async () => {
    const file = await renderOrderDocument(invoice);
    expect(file.subarray(0, 5).toString()).toBe("%PDF-");
    expect(file.length).toBeLessThan(100_000);
    const open = (await renderOrderDocument(invoice, { isCompressed: false })).toString("latin1");
    expect(open.match(/\/Type \/Page\b/g)).toHaveLength(1);
  });

  test.each(["Ўзбекистон Ғайрат Қодир Ҳасан ўғқҳ", "Oʻzbekiston Gʻayrat Shavkat’s", "Łódź Çelik Ñuñoa"])(
    "can be read back with the letters of %s",
    async (name) => {
      const letters = await lettersOf({ ...invoice, buyer: { name, email: "g@example.com" } });
      expect(Array.from(name).filter((letter) => letter !== " " && !letters.has(letter))).toEqual([]);
    },
  );

  test("asks who pays by transfer for a purpose in quotes, and nobody else, nor once it is cancelled", async () => {
    const asks = async (facts: OrderDocument) => (await lettersOf(facts)).has('"');
    expect(await asks(invoice)).toBe(true);
    expect(await asks({ ...invoice, paidBy: "Payme", isTransfer: false })).toBe(false);
    expect(await asks({ ...invoice, cancelledAt: invoice.orderedAt })).toBe(false);
  });

  test("keeps to one page whatever somebody is called", async () => {
    const name = "Абдурахмон ибн Хоттоб ".repeat(200);
    const file = await renderOrderDocument(
      { ...invoice, seller: Array.from({ length: 12 }, () => name), buyer: { name, email: name } },
      { isCompressed: false },
    );
    expect(file.toString("latin1").match(/\/Type \/Page\b/g)).toHaveLength(1);
  });

  test("is made at the same moment for many without mixing them up", async () => {
    const files = await Promise.all([1n, 2n, 3n].map((number) => renderOrderDocument({ ...invoice, number })));
    const titles = files.map((file) => /\((Invoice \d+)\)/.exec(file.toString("latin1"))?.[1]);
    expect(titles).toEqual(["Invoice 1", "Invoice 2", "Invoice 3"]);
  });
});
