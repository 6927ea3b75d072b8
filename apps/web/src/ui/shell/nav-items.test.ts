import { describe, expect, test } from "vitest";
import { currentHref } from "./nav-items.ts";

describe("currentHref", () => {
  test.each([
    ["operator", "/operator", "/operator"],
    ["operator", "/operator/nodes", "/operator/nodes"],
    ["operator", "/operator/nodes/add", "/operator/nodes/add"],
    ["client", "/client/orders/ord_1", "/client/orders"],
    ["admin", "/elsewhere", null],
  ] as const)("marks for %s at %s the item %s", (role, pathname, href) => {
    expect(currentHref(role, pathname)).toBe(href);
  });
});
