import { expect, test } from "vitest";
import { quoteFor } from "./quote.ts";

const offer = { picoUsdPerByte: 3_000n, tiers: [{ fromGb: 10, picoUsdPerByte: 2_500n }], monthBytes: 0n };
const payme = { provider: "payme", currency: "UZS", minorPerUsd: 1_265_045n, stepMinor: 100n } as const;

test("a quote is what the server will charge", () => {
  expect(quoteFor(offer, payme, 5)).toEqual({ gigabytes: 5, picoUsdPerByte: 3_000n, price: 15_000_000n, charge: 18_975_700n });
});

test("a quote is in the tier that is reached with it", () => {
  expect(quoteFor(offer, payme, 10)).toMatchObject({ picoUsdPerByte: 2_500n, price: 25_000_000n });
  expect(quoteFor({ ...offer, monthBytes: 5_000_000_000n }, payme, 5)).toMatchObject({ picoUsdPerByte: 2_500n });
});

test.each([0, -1, 1.5, Number.NaN])("there is no quote for %s GB", (gigabytes) => {
  expect(quoteFor(offer, payme, gigabytes)).toEqual({ gigabytes: null, picoUsdPerByte: 3_000n, price: null, charge: null });
});
