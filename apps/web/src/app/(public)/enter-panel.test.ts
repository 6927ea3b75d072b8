import { describe, expect, test } from "vitest";
import { enterPanel } from "./enter-panel.ts";

describe("enterPanel", () => {
  test.each([
    ["client", null, "/client"],
    ["client", "/client/buy", "/client/buy"],
    ["client", "/admin", "/client"],
    ["client", "//evil.example", "/client"],
    ["client", "/client//evil.example", "/client"],
    ["client", "https://evil.example/client", "/client"],
    ["client", "/client/\\evil", "/client"],
    ["client", "/clients", "/client"],
  ])("sends a %s who asked for %s to %s", (role, next, address) => {
    expect(enterPanel(role, next)).toBe(address);
  });
});
