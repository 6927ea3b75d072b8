import { expect, test } from "vitest";
import { quoteFor } from "./quote.ts";

const packs = [{ gigabytes: 1, bytes: 1_000_000_000n, amountMicroUsd: 3_000_000n, picoUsdPerByte: 3_000n }];
const payme = { provider: "payme", currency: "UZS", minorPerUsd: 1_265_045n, stepMinor: 100n } as const;

test("a quote is what the server will charge", () => {
  expect(quoteFor(packs, payme, 5)).toEqual({ gigabytes: 5, picoUsdPerByte: 3_000n, price: 15_000_000n, charge: 18_975_700n });
});

test.each([0, -1, 1.5, Number.NaN])("there is no quote for %s GB", (gigabytes) => {
  expect(quoteFor(packs, payme, gigabytes)).toEqual({ gigabytes: null, picoUsdPerByte: 3_000n, price: null, charge: null });
});
