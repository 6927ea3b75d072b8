/**
 * Writes what a program needs to use the proxy endpoint: the username with its parameters, and lines to copy.
 *
 * The parameters follow the native grammar, `user-country-de-type-mobile-session-a1b2-ttl-30m`, or the form of another
 * vendor for programs that were written for it. Every form takes the native keys, so all say the same.
 */
export type EndpointProtocol = "http" | "connect" | "socks5";
export const usernameForms = ["karvon", "brightdata", "oxylabs", "decodo", "soax", "iproyal", "dataimpulse"] as const;
export type UsernameForm = (typeof usernameForms)[number];
export type ExitType = "any" | "mobile" | "wifi" | "residential";

export interface EndpointChoice {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly protocol: EndpointProtocol;
  readonly form: UsernameForm;
  /** The account's id, which Bright Data's form holds. */
  readonly clientId: string;
  /** A two-letter code, or "" for any country. */
  readonly country: string;
  /** A city's name, or "". It counts only with a country. */
  readonly city: string;
  readonly type: ExitType;
  /** A session name keeps one exit; "" changes the exit with each connection. */
  readonly session: string;
  /** How long a session keeps its exit, for example "30m". */
  readonly ttl: string;
  /** The address that the curl line asks for, without its scheme. */
  readonly target: string;
}

type Pair = readonly [key: string, value: string];

export function proxyUsername(choice: EndpointChoice): string {
  const { username, form, clientId } = choice;
  const pairs = pairsOf(choice);
  const dashed = pairs.map(([key, value]) => `-${key}-${value}`).join("");
  switch (form) {
    case "karvon":
      return choice.session === "" ? `${username}${dashed}-rotate` : `${username}${dashed}`;
    case "brightdata":
      return `brd-customer-${clientId}-zone-${username}${dashed}`;
    case "oxylabs":
      return `customer-${username}${dashed}`;
    case "decodo":
      return `user-${username}${dashed}`;
    case "soax":
      return `package-${username}${dashed}`;
    case "iproyal":
      return username;
    case "dataimpulse":
      return pairs.length === 0 ? username : `${username}__${pairs.map(([key, value]) => `${key}.${value}`).join(";")}`;
  }
}

/** The password, with the parameters where the form writes them there. */
export function proxyPassword(choice: EndpointChoice): string {
  if (choice.form !== "iproyal") return choice.password;
  return `${choice.password}${pairsOf(choice)
    .map(([key, value]) => `_${key}-${value}`)
    .join("")}`;
}

/** IPRoyal's form separates parameters by `_`, so no value may hold one there. */
function pairsOf(choice: EndpointChoice): Pair[] {
  const words = vendorWords[choice.form];
  const pairs: Pair[] = [];
  if (choice.country !== "") {
    pairs.push([words.country, choice.country.toLowerCase()]);
    const city = citySlug(choice.city);
    if (city !== "") pairs.push(["city", choice.form === "iproyal" ? city.replaceAll("_", "") : city]);
  }
  if (choice.type !== "any") pairs.push(["type", choice.type]);
  const session = choice.form === "iproyal" ? choice.session.replaceAll("_", "-") : choice.session;
  if (session !== "") pairs.push([words.session, session], ["ttl", choice.ttl]);
  return pairs;
}

/** The keys as each vendor's programs know them, where the native ones differ. */
const vendorWords: Readonly<Record<UsernameForm, { readonly country: string; readonly session: string }>> = {
  karvon: { country: "country", session: "session" },
  brightdata: { country: "country", session: "session" },
  oxylabs: { country: "cc", session: "sessid" },
  decodo: { country: "country", session: "session" },
  soax: { country: "country", session: "sessionid" },
  iproyal: { country: "country", session: "session" },
  dataimpulse: { country: "cr", session: "sessid" },
};

/** `host:port:user:password`, which most proxy programs take. */
export function endpointLine(choice: EndpointChoice): string {
  return `${choice.host}:${choice.port}:${proxyUsername(choice)}:${proxyPassword(choice)}`;
}

/** The same as one URL. SOCKS names are resolved at the exit, hence `socks5h`. */
export function endpointUrl(choice: EndpointChoice): string {
  const scheme = choice.protocol === "socks5" ? "socks5h" : "http";
  return `${scheme}://${proxyUsername(choice)}:${proxyPassword(choice)}@${bracketed(choice.host)}:${choice.port}`;
}

/** A curl command that runs as it stands in a POSIX shell. */
export function curlLine(choice: EndpointChoice): string {
  const scheme = choice.protocol === "http" ? "http" : "https";
  const words = ["curl", "-sS", "--proxy", quoted(endpointUrl(choice))];
  if (choice.protocol === "connect") words.push("--proxytunnel");
  return [...words, quoted(`${scheme}://${choice.target.replace(/^[a-z]+:\/\//i, "")}`)].join(" ");
}

/** Cities are written without blanks and dots: "New York" is `new_york`. */
export function citySlug(city: string): string {
  return city
    .trim()
    .toLowerCase()
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
