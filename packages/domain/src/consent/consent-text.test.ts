import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { consentHashInput, consentTexts, currentConsent } from "./consent-text.ts";

test("each published text keeps its hash: receipts refer to it for ever", () => {
  const hashes = consentTexts.map((consent) => [consent.version, createHash("sha256").update(consentHashInput(consent)).digest("hex")]);
  expect(hashes).toEqual([["2026-11", "f8d6d4f2fa7916d1b3efd8d13543f649a019f5ec18099eb638b09c3b43bfe474"]]);
});

test("the current text is the newest published one and fits a terminal", () => {
  expect(currentConsent).toEqual(consentTexts[0]);
  expect(Math.max(...currentConsent.text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
});

test("the hash does not depend on the line ends of the checkout", () => {
  const windows = { ...currentConsent, text: currentConsent.text.replaceAll("\n", "\r\n") };
  expect(consentHashInput(windows)).toEqual(consentHashInput(currentConsent));
});
