import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { explainNode } from "./node-version.mjs";

test.each(["20.19.0", "20.20.2", "22.12.0", "22.20.1", "24.1.0"])("Node %s is good", (version) => {
  expect(explainNode(version)).toBeNull();
});

test.each(["12.22.0", "18.20.4", "20.18.3", "21.7.0", "22.11.0"])("Node %s is refused with one sentence that names it", (version) => {
  expect(explainNode(version)).toMatch(
    new RegExp(`^Karvon needs Node 20\\.19 .* this is Node ${version.replaceAll(".", "\\.")}; install .*\\.$`),
  );
});

test("the rule is the one of package.json", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8")).engines.node).toBe(">=20.19.0 <21 || >=22.12.0");
});
