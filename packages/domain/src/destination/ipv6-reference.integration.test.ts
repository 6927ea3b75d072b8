/** 100,000 IPv6 literals judged by the policy and by Python's `ipaddress`, which reads and sorts them with other code. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { checkAddress, noEgressAllow } from "./index.ts";

const literals = 100_000;
const seed = 20_261;

/** What the policy refuses although Python calls it global: each block, and why. */
const refusedOnPurpose: Readonly<Record<string, string>> = {
  "::/3": "no unicast space for the internet",
  "4000::/2": "no unicast space for the internet",
  "8000::/1": "no unicast space for the internet",
  "2001::/23": "protocol assignments, of which a younger Python calls some global",
  "2002::/16": "6to4 carries an IPv4 address inside",
  "3fff::/20": "documentation (RFC 9637), younger than the Python of some machines",
  "2620:4f:8000::/48": "AS112 sinks",
};

/** `refused`, or the canonical text of what may be connected to. A zone is nothing that a target can have. */
const reference = `
import ipaddress, sys
blocks = [ipaddress.ip_network(line) for line in sys.argv[1:]]
for line in sys.stdin:
    try:
        address = ipaddress.IPv6Address(line.rstrip("\\n"))
        passes = address.is_global and not address.is_multicast and address.scope_id is None
        passes = passes and not any(address in block for block in blocks)
    except ValueError:
        passes = False
    print(address.compressed if passes else "refused")
`;

function askPython(texts: readonly string[]): readonly string[] {
  const input = `${texts.join("\n")}\n`;
  const asked = spawnSync("python3", ["-c", reference, ...Object.keys(refusedOnPurpose)], { input, encoding: "utf8", maxBuffer: 2 ** 24 });
  if (asked.status !== 0) throw new Error(`python3 could not judge: ${asked.error?.message ?? asked.stderr}`);
  return asked.stdout.trimEnd().split("\n");
}

/** xorshift32: the same literals in every run. */
function createRandom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
const random = createRandom(seed);

type Groups = readonly number[];

const prefixes: readonly Groups[] = [
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
  [0x64, 0xff9b, 1],
  [0x100, 0, 0, 0],
  ...[0, 1, 2, 3, 4, 0x0f, 0x10, 0x1f, 0x20, 0x2f, 0x30, 0x3f, 0x1ff, 0x200, 0xdb7, 0xdb8, 0xdb9].map((second) => [0x2001, second]),
  [0x2001, 4, 0x112],
  [0x2002],
  [0x2620, 0x4f, 0x7fff],
  [0x2620, 0x4f, 0x8000],
  [0x2620, 0x4f, 0x8001],
  ...[0x1fff, 0x2000, 0x2003, 0x3ffe, 0x3fff, 0x4000, 0x5f00, 0xfbff, 0xfc00, 0xfdff, 0xfe80, 0xfebf, 0xfec0, 0xff02].map((first) => [
    first,
  ]),
  [0x3fff, 0x0fff],
  [0x3fff, 0x1000],
  [0, 0, 0, 0, 0, 0],
];

function makeGroups(): Groups {
  const kind = random(10);
  const start = kind < 5 ? (prefixes[random(prefixes.length)] ?? []) : kind < 9 ? [0x2000 + random(0x2000)] : [];
  const fill = [() => 0, () => 0xffff, () => random(0x1_0000), () => random(2) * random(0x1_0000)][random(4)] ?? (() => 0);
  return [...start, ...Array.from({ length: 8 - start.length }, fill)];
}

/** One of the many ways to write it: with zeros before, in capitals, with a gap for any run of zeros, with a dotted end. */
function write(groups: Groups): string {
  const width = [1, 1, 4][random(3)] ?? 1;
  const texts = groups.map((group) => group.toString(16).padStart(width, "0"));
  const [high = 0, low = 0] = groups.slice(6);
  const isDotted = random(6) === 0;
  if (isDotted) texts.splice(6, 2, [high >>> 8, high & 255, low >>> 8, low & 255].join("."));
  const zeros = texts.flatMap((_, at) => (groups[at] === 0 && !(isDotted && at === 6) ? [at] : []));
  let text = texts.join(":");
  if (zeros.length > 0 && random(4) > 0) {
    const from = zeros[random(zeros.length)] ?? 0;
    let to = from;
    while (zeros.includes(to + 1) && random(5) > 0) to += 1;
    text = `${texts.slice(0, from).join(":")}::${texts.slice(to + 1).join(":")}`;
  }
  return random(4) === 0 ? text.toUpperCase() : text;
}

/** Most of them are no addresses any more. */
function injure(text: string): string {
  const at = random(text.length + 1);
  const extras = [":", "::", ".", "0", "g", " ", "%", "%lo", "/64", "[", "]", "00000", "1.2.3.4", ":1", "-", "\u0665"];
  const extra = extras[random(extras.length)] ?? "";
  return random(2) === 0 ? text.slice(0, at) + extra + text.slice(at) : text.slice(0, at) + text.slice(at + 1);
}

describe("the destination policy and Python's ipaddress", () => {
  const texts = Array.from({ length: literals }, () => {
    const text = write(makeGroups());
    return random(8) === 0 ? injure(text) : text;
  });

  test(`say the same of ${literals} IPv6 literals in every spelling (seed ${seed})`, () => {
    const wanted = askPython(texts);
    const ours = texts.map((text) => {
      const checked = text.includes(":") ? checkAddress(text, noEgressAllow) : null;
      return checked?.kind === "allowed" ? checked.address : "refused";
    });
    expect(wanted).toHaveLength(literals);
    expect(texts.flatMap((text, at) => (ours[at] === wanted[at] ? [] : [`${text}: ${ours[at]}, not ${wanted[at]}`])).slice(0, 20)).toEqual(
      [],
    );
    // Both sides have had their share.
    const passed = wanted.filter((verdict) => verdict !== "refused").length;
    expect(Math.min(passed, literals - passed)).toBeGreaterThan(literals / 5);
  });
});
