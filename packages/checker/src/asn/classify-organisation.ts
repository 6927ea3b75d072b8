/**
 * What kind of line an ASN's organisation probably sells, guessed from its name alone.
 *
 * This is a first sorting, not a measurement: a name says "mobile" or "hosting" for perhaps half of all networks,
 * and an operator that sells both fibre and mobile lines is called by the word in its name. Verdicts about a node
 * must not rest on it alone. Known names that would mislead the words stand in `knownAsns`.
 */
export type ConnectionType = "mobile" | "residential" | "hosting" | "business" | "unknown";

/** Large networks whose names say nothing or the wrong thing. ASN numbers as in the public registries. */
const knownAsns: ReadonlyMap<number, ConnectionType> = new Map([
  [13_335, "hosting"], // Cloudflare
  [15_169, "hosting"], // Google
  [16_509, "hosting"], // Amazon
  [14_618, "hosting"], // Amazon
  [8_075, "hosting"], // Microsoft
  [24_940, "hosting"], // Hetzner
  [14_061, "hosting"], // DigitalOcean
  [16_276, "hosting"], // OVH
  [63_949, "hosting"], // Akamai (Linode)
  [20_473, "hosting"], // Vultr
  [7_922, "residential"], // Comcast
  [21_928, "mobile"], // T-Mobile USA
  [55_836, "mobile"], // Reliance Jio
  [45_609, "mobile"], // Bharti Airtel mobile
  [24_560, "residential"], // Bharti Airtel broadband
  [41_202, "mobile"], // Unitel (Beeline Uzbekistan)
  [31_203, "residential"], // Sharq Telekom
  [12_576, "mobile"], // EE
  [3_320, "residential"], // Deutsche Telekom
] as const);

/** In order: the first group with a matching word wins, so "Mobile Hosting" is hosting. */
const wordGroups: readonly (readonly [ConnectionType, RegExp])[] = [
  [
    "hosting",
    /\b(?:host(?:ing|ed|er)?|cloud|servers?|vps|vds|dedicated|data ?cent(?:er|re)s?|datacamp|colo(?:cation)?|cdn|hetzner|ovh|linode|vultr|leaseweb|m247|contabo|akamai|fastly|amazon|digitalocean|alibaba|tencent cloud|vpn)\b|hosting|cloud/i,
  ],
  [
    "business",
    /\b(?:universit\w*|college|school|institut\w*|academ\w*|ministry|government|govt|bank|hospital|municipal\w*|council|army|police|research|education\w*)\b/i,
  ],
  [
    "mobile",
    /\b(?:mobiles?|mobil|wireless|cellular|gsm|umts|lte|3g|4g|5g|cellco|vodacom|selular|mtn|t-mobile|telenor|turkcell|kcell|unitel|ucell|coscom|movil(?:es)?|movistar|celular|tele2|beeline|megafon|jio|airtel|smartfren|telkomsel|docomo)\b/i,
  ],
  [
    "residential",
    /tele?[ck]om|\btel[eé]fon\w*|telephone|communications?\b|\b(?:broadband|cable|fib(?:er|re|ra)|internet|dsl|adsl|isp|comcast|charter|spectrum|cox|verizon|centurylink|vodafone|virgin media|sky uk|british telecom|proximus|swisscom|telefonica|claro|net servi[cç]os|telia|orange|kpn|ziggo)\b/i,
  ],
];

export function classifyOrganisation(asn: number | null, name: string | null): ConnectionType {
  const known = asn === null ? undefined : knownAsns.get(asn);
  if (known) return known;
  if (name === null || name === "") return "unknown";
  return wordGroups.find(([, words]) => words.test(name))?.[0] ?? "unknown";
}
