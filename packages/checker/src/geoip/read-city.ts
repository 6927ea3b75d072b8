/** Where an address is, in one shape whatever the file's schema. Every field is null when the file does not say. */
import { type MmdbRecord, type MmdbValue, isRecord } from "./mmdb.ts";

export interface CityFacts {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

export const nowhere: CityFacts = { country: null, region: null, city: null, latitude: null, longitude: null };

/**
 * Reads a city record of either schema: flat (ip-location-db: `country_code`, `state1`, `city`, `latitude`) or nested
 * (MaxMind: `country.iso_code`, `subdivisions[0].names.en`, `city.names.en`, `location.latitude`).
 */
export function readCity(record: MmdbRecord): CityFacts {
  const country = record["country"];
  return country === undefined && record["country_code"] !== undefined ? readFlat(record) : readNested(record);
}

function readFlat(record: MmdbRecord): CityFacts {
  const point = readPoint(record);
  return {
    country: readCountry(record["country_code"]),
    region: readText(record["state1"]),
    city: withoutDistrict(readText(record["city"])),
    ...point,
  };
}

function readNested(record: MmdbRecord): CityFacts {
  const country = field(record["country"], "iso_code") ?? field(record["registered_country"], "iso_code");
  const subdivisions = record["subdivisions"];
  const first: MmdbValue | undefined = Array.isArray(subdivisions) ? subdivisions[0] : undefined;
  const location = record["location"];
  return {
    country: readCountry(country),
    region: readText(field(field(first, "names"), "en")),
    city: withoutDistrict(readText(field(field(record["city"], "names"), "en"))),
    ...readPoint(isRecord(location) ? location : {}),
  };
}

function readPoint(record: MmdbRecord): { latitude: number | null; longitude: number | null } {
  const latitude = record["latitude"];
  const longitude = record["longitude"];
  if (typeof latitude !== "number" || typeof longitude !== "number") return { latitude: null, longitude: null };
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return { latitude: null, longitude: null };
  // The files store 32-bit floats; four decimals are 11 m, finer than any IP location.
  return { latitude: Math.round(latitude * 10_000) / 10_000, longitude: Math.round(longitude * 10_000) / 10_000 };
}

/** DB-IP writes some cities with their district: "Berlin (Bezirk Mitte)". Clients ask for the city. */
function withoutDistrict(city: string | null): string | null {
  return city === null ? null : readText(city.replace(/\s*\([^)]*\)\s*$/, ""));
}

function readCountry(value: MmdbValue | undefined): string | null {
  const text = readText(value)?.toUpperCase() ?? null;
  // ZZ is "unknown" in several files.
  return text !== null && /^[A-Z]{2}$/.test(text) && text !== "ZZ" ? text : null;
}

function readText(value: MmdbValue | undefined): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

function field(value: MmdbValue | undefined, key: string): MmdbValue | undefined {
  return isRecord(value) ? value[key] : undefined;
}
