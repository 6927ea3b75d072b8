import type { GeoFacts } from "@karvon/checker";
import type { NodePlace } from "../tunnel/live-node.ts";

/** The checker's facts in the gateway's words. */
export function placeFrom(facts: GeoFacts): NodePlace {
  return {
    country: facts.country?.toUpperCase() ?? null,
    region: facts.region,
    city: facts.city,
    latitude: facts.latitude,
    longitude: facts.longitude,
    asn: facts.asn,
    asnName: facts.asnName,
    lineType: facts.connectionType,
    dataVersion: facts.dataVersion,
  };
}
