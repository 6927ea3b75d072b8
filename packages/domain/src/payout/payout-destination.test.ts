import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPayoutDestination } from "./index.ts";

// The examples of the IBAN registry (SWIFT, ISO 13616).
const ibans = [
  "DE89370400440532013000",
  "GB29NWBK60161331926819",
  "NO9386011117947",
  "MT84MALT011000012345MTLCAST001S",
  "KZ86125KZT5004100100",
];

// A digit for a letter changes how many digits there are: one of 97 such slips passes.
const isDigit = (character = ""): boolean => /\d/.test(character);

describe("an IBAN", () => {
  test.each(ibans)("%s is one, however it is written", (iban) => {
    const grouped = iban.replaceAll(/(.{4})/g, "$1 ").toLowerCase();
    expect(readPayoutDestination("iban", grouped)).toBe(iban);
  });

  test("with one wrong digit or letter, or two neighbours of a kind swapped, is none", () => {
    const position = fc.nat();
    const character = fc.nat(35).map((value) => value.toString(36).toUpperCase());
    fc.assert(
      fc.property(fc.constantFrom(...ibans), position, character, (iban, at, wrong) => {
        const index = at % iban.length;
        fc.pre(iban[index] !== wrong && isDigit(iban[index]) === isDigit(wrong));
        return readPayoutDestination("iban", iban.slice(0, index) + wrong + iban.slice(index + 1)) === null;
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...ibans), position, (iban, at) => {
        const index = at % (iban.length - 1);
        const [left = "", right = ""] = iban.slice(index, index + 2);
        fc.pre(left !== right && isDigit(left) === isDigit(right));
        return readPayoutDestination("iban", iban.slice(0, index) + right + left + iban.slice(index + 2)) === null;
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(["", "DE89", "DE8937040044053201300", "89DE370400440532013000", "DE89-3704-0044-0532-0130-00", `GB29${"0".repeat(31)}`])(
    "is not %j",
    (text) => {
      expect(readPayoutDestination("iban", text)).toBeNull();
    },
  );
});

describe("an account in Uzbekistan", () => {
  test("is 20 digits and the 5 of its bank", () => {
    expect(readPayoutDestination("uz_account", "2020 8000 9001 2345 6789 / 00444")).toBe("20208000900123456789/00444");
  });

  test.each(["", "20208000900123456789", "20208000900123456789/0444", "2020800090012345678/00444", "2020800090012345678x/00444"])(
    "is not %j",
    (text) => {
      expect(readPayoutDestination("uz_account", text)).toBeNull();
    },
  );
});
