/**
 * Writes what a program needs to use the proxy endpoint: the username with its parameters, and lines to copy.
 *
 * The parameters follow the native grammar: `user-country-de-type-mobile-session-a1b2-ttl-30m`.
 */
export type EndpointProtocol = "http" | "connect" | "socks5";
export type ExitType = "any" | "mobile" | "wifi" | "residential";

export interface EndpointChoice {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly protocol: EndpointProtocol;
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

export function proxyUsername(choice: EndpointChoice): string {
  const words = [choice.username];
  if (choice.country !== "") {
    words.push("country", choice.country.toLowerCase());
    const city = citySlug(choice.city);
    if (city !== "") words.push("city", city);
  }
  if (choice.type !== "any") words.push("type", choice.type);
  if (choice.session === "") words.push("rotate");
  else words.push("session", choice.session, "ttl", choice.ttl);
  return words.join("-");
}

/** `host:port:user:password`, which most proxy programs take. */
export function endpointLine(choice: EndpointChoice): string {
  return `${choice.host}:${choice.port}:${proxyUsername(choice)}:${choice.password}`;
}

/** The same as one URL. SOCKS names are resolved at the exit, hence `socks5h`. */
export function endpointUrl(choice: EndpointChoice): string {
  const scheme = choice.protocol === "socks5" ? "socks5h" : "http";
  return `${scheme}://${proxyUsername(choice)}:${choice.password}@${bracketed(choice.host)}:${choice.port}`;
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
