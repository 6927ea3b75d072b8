import { expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { peers } from "./peer-names.ts";
import { fleetOf, shortWorks, specialWorks, workArguments, workNames } from "./works.ts";

test("without options the short works run twice against the peers that are quickly had", () => {
  expect(readOptions([])).toMatchObject({
    works: shortWorks,
    special: [],
    peers: ["karvon", "proxy-chain", "haproxy", "squid"],
    repetitions: 2,
    seconds: 6,
    nodes: 12,
    processes: 1,
    hasApi: true,
    profile: null,
    show: null,
    isHelp: false,
  });
});

test("the short works need no other fleet than the usual one", () => {
  expect(shortWorks.map(fleetOf)).toEqual(shortWorks.map(() => "usual"));
});

test("the full run takes every work and every peer, and moves a gigabyte through each link", () => {
  const options = readOptions(["--full"]);
  expect(options).toMatchObject({ works: workNames, special: specialWorks, peers, repetitions: 3, link: { megabytes: 1_000 } });
  expect(options.works).toEqual(expect.arrayContaining(["hold10000", "hold10000narrow", "bulk", "stalled", "readers"]));
});

test("works with files of their own are named like the others", () => {
  expect(readOptions(["--works", "leak,requests,link"])).toMatchObject({ works: ["requests"], special: ["leak", "link"] });
});

test("files are taken to be shown, and only then", () => {
  expect(readOptions(["--table", "a.jsonl", "b.jsonl"])).toMatchObject({ show: "table", files: ["a.jsonl", "b.jsonl"] });
  expect(readOptions(["--write-docs", "a.jsonl"])).toMatchObject({ show: "docs", files: ["a.jsonl"] });
  expect(() => readOptions(["a.jsonl"])).toThrow("a.jsonl is no option");
  expect(() => readOptions(["--table"])).toThrow("take files of figures");
});

test.each([
  [["--works", "requests,nope"], "--works does not know nope"],
  [["--peers", "varnish"], "--peers does not know varnish"],
  [["--profile", "leak"], "--profile does not know leak"],
  [["--seconds", "0"], "--seconds takes a number above 0 and up to 60, not 0"],
  [["--repetitions", "1000"], "--repetitions takes a number above 0 and up to 20"],
  [["--repetitions", "1.5"], "--repetitions takes a whole number"],
  [["--nodes", "1001"], "--nodes takes a number above 0 and up to 1000"],
  [["--nope"], "--nope"],
])("a wrong option %j is named in the refusal", (argv, reason) => {
  expect(() => readOptions(argv)).toThrow(reason);
});

test("held sessions have a hold time of their own, whatever the seconds of the other works", () => {
  expect(workArguments("hold1000", { seconds: 60, warmupS: 1 })).not.toContain("60");
  expect(workArguments("paced", { seconds: 2, warmupS: 1 }).join(" ")).toContain("--seconds 2 --warmup 1");
});
