import { openGeoReader } from "@karvon/checker";
import { expect, test } from "vitest";
import { fleet } from "./members.ts";

test("the packaged data puts every demo address where the fleet says it is, on an access network", async () => {
  const reader = await openGeoReader();
  for (const member of fleet) {
    const facts = reader.locate(member.address);
    expect(facts, member.label).toMatchObject({ country: member.country, city: member.city });
    expect(facts.connectionType, member.label).toBe(member.network === "cellular" ? "mobile" : "residential");
  }
  reader.close();
});

test("the fleet is twelve nodes at twelve addresses in at least six countries, of every kind of line", () => {
  expect(fleet).toHaveLength(12);
  expect(new Set(fleet.map(({ id }) => id)).size).toBe(12);
  expect(new Set(fleet.map(({ address }) => address)).size).toBe(12);
  expect(new Set(fleet.map(({ country }) => country)).size).toBeGreaterThanOrEqual(6);
  expect(new Set(fleet.map(({ network }) => network))).toEqual(new Set(["cellular", "wifi", "ethernet"]));
});
