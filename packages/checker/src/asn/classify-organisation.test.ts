import { expect, test } from "vitest";
import { type ConnectionType, classifyOrganisation } from "./classify-organisation.ts";

function check(name: string, expected: ConnectionType): void {
  expect(classifyOrganisation(null, name), name).toBe(expected);
}

test("the kind of line is guessed from the organisation's name", () => {
  check("T-Mobile USA, Inc.", "mobile");
  check("Vodafone Mobile Operations", "mobile");
  check('"Uzbektelekom" Joint Stock Company', "residential");
  check("Virgin Media Limited", "residential");
  check("Contabo GmbH", "hosting");
  check("Mobile Hosting Ltd", "hosting");
  check("Tashkent University of Information Technologies", "business");
  check("Quantum Widgets", "unknown");
});

test("a well-known number outweighs the name", () => {
  expect(classifyOrganisation(16_509, "Amazon.com, Inc.")).toBe("hosting");
  expect(classifyOrganisation(55_836, "Reliance Jio Infocomm Limited")).toBe("mobile");
});

test("no name gives no guess", () => {
  expect(classifyOrganisation(64_512, null)).toBe("unknown");
  expect(classifyOrganisation(null, "")).toBe("unknown");
});
