/**
 * What a proxy user may do beyond its account's state: from where it is used, to which hosts, through which countries.
 *
 * Rules come with the user's facts and are read once for each. An entry that cannot be read allows nothing: rules that are
 * broken refuse too much, never too little. A host is judged by the name that the client wrote, not by its address.
 */
import type { SessionFacts } from "@karvon/billing";
import type { ProxyUserFacts } from "@karvon/db/sql";
import { type Ask, isInPrefixes, parsePrefix, type Prefix, type Refusal, refuse } from "@karvon/domain";
import { HostSet } from "./host-set.ts";

export interface UserRules {
  refuseSource(address: string): Refusal | null;
  refuseHost(host: string): Refusal | null;
  /** The ask within the countries that the account has. `any` country is any of those. */
  narrow(ask: Ask): Ask | Refusal;
  /** Why a session that is open may not go on. */
  refuseSession(session: OpenFacts): Refusal | null;
}

type OpenFacts = Pick<SessionFacts, "clientAddress" | "targetHost" | "exitCountry">;
type RuleFacts = Pick<ProxyUserFacts, "username" | "countries" | "allowedSources" | "allowedHosts">;

/** Of most users: shared, so that it costs nothing. */
const noRules: UserRules = {
  refuseSource: () => null,
  refuseHost: () => null,
  narrow: (ask) => ask,
  refuseSession: () => null,
};

export function readUserRules(facts: RuleFacts): UserRules {
  const { countries, allowedSources, allowedHosts } = facts;
  const isFree = countries.length === 0 && allowedSources.length === 0 && allowedHosts.length === 0;
  return isFree ? noRules : new OwnRules(facts);
}

class OwnRules implements UserRules {
  readonly #facts: RuleFacts;
  readonly #sources: readonly Prefix[];
  readonly #hosts: HostSet;
  readonly #hostPrefixes: readonly Prefix[];
  readonly #countries: ReadonlySet<string>;

  constructor(facts: RuleFacts) {
    this.#facts = facts;
    this.#sources = prefixesOf(facts.allowedSources);
    this.#hosts = new HostSet(facts.allowedHosts);
    this.#hostPrefixes = prefixesOf(facts.allowedHosts);
    this.#countries = new Set(facts.countries);
  }

  refuseSource(address: string): Refusal | null {
    const { allowedSources, username } = this.#facts;
    if (allowedSources.length === 0 || isInPrefixes(address, this.#sources)) return null;
    return refuse("source_ip_denied", `proxy user ${username} may not be used from ${address}`);
  }

  refuseHost(host: string): Refusal | null {
    const { allowedHosts, username } = this.#facts;
    if (allowedHosts.length === 0 || this.#hosts.has(host) || isInPrefixes(host, this.#hostPrefixes)) return null;
    return refuse("host_not_allowed", `${host} is not among the hosts of proxy user ${username}`);
  }

  narrow(ask: Ask): Ask | Refusal {
    const offered = this.#facts.countries;
    if (offered.length === 0) return ask;
    const widening = ask.widening === "any" ? "country" : ask.widening;
    if (ask.countries.length === 0) return { ...ask, countries: offered, widening };
    const countries = ask.countries.filter((country) => this.#countries.has(country));
    if (countries.length > 0) return { ...ask, countries, widening };
    return refuse("country_not_offered", `${ask.countries.join(", ")} is not among the countries of the account: ${offered.join(", ")}`);
  }

  refuseSession({ clientAddress, targetHost, exitCountry }: OpenFacts): Refusal | null {
    return this.refuseSource(clientAddress ?? "") ?? this.refuseHost(targetHost) ?? this.#refuseExit(exitCountry);
  }

  #refuseExit(country: string | null): Refusal | null {
    if (this.#countries.size === 0 || (country !== null && this.#countries.has(country))) return null;
    return refuse("country_not_offered", `${country ?? "an unknown country"} is not among the countries of the account`);
  }
}

function prefixesOf(entries: readonly string[]): Prefix[] {
  return entries.flatMap((entry) => parsePrefix(entry) ?? []);
}
