import { expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { fullWorks, shortWorks, workArguments } from "./works.ts";

test("without options the short works run three times against both peers", () => {
  expect(readOptions([])).toEqual({
    works: shortWorks,
    peers: ["karvon", "proxy-chain"],
    repetitions: 3,
    seconds: 6,
    nodes: 12,
    hasApi: true,
    table: undefined,
    isHelp: false,
  });
});

test("the fleet has room for the sessions that are held, unless told otherwise", () => {
  expect(readOptions(["--full"]).nodes * 256).toBeGreaterThan(10_000);
  expect(readOptions(["--nodes", "1", "--works", "requests"]).nodes).toBe(1);
});

test("the full run adds 10,000 held sessions and isolation", () => {
  const { works } = readOptions(["--full"]);
  expect(works).toEqual(fullWorks);
  expect(works).toEqual(expect.arrayContaining(["hold10000", "bulk", "stalled"]));
});

test.each([
  [["--works", "requests,nope"], "--works does not know nope"],
  [["--peers", "squid"], "--peers does not know squid"],
  [["--seconds", "0"], "--seconds takes a number above 0 and up to 60, not 0"],
  [["--repetitions", "1000"], "--repetitions takes a number above 0 and up to 20"],
  [["--repetitions", "1.5"], "--repetitions takes a whole number"],
  [["--nodes", "251"], "--nodes takes a number above 0 and up to 250"],
  [["--nope"], "--nope"],
])("a wrong option %j is named in the refusal", (argv, reason) => {
  expect(() => readOptions(argv)).toThrow(reason);
});

test("held sessions have a hold time of their own, whatever the seconds of the other works", () => {
  expect(workArguments("hold1000", { seconds: 60, warmupS: 1 })).not.toContain("60");
  expect(workArguments("paced", { seconds: 2, warmupS: 1 }).join(" ")).toContain("--rate 1000 --seconds 2 --warmup 1");
});
