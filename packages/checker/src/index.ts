export { type ConnectionType, classifyOrganisation } from "./asn/classify-organisation.ts";
export { type Attribution, attributions } from "./attribution.ts";
export { type GeoFacts, type GeoReader, type GeoReaderOptions, openGeoReader } from "./geo-reader.ts";
