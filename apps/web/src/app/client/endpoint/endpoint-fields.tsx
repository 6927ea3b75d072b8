"use client";
import type { Endpoint, ProxyUser } from "#trpc/types.ts";
import { PasswordField, SelectField, TextField } from "#ui/field.tsx";
import { countryName } from "#ui/format-time.ts";
import { Segmented } from "#ui/segmented.tsx";
import type { useForm } from "#ui/use-form.ts";

export type EndpointForm = Record<
  "username" | "password" | "protocol" | "form" | "country" | "city" | "type" | "session" | "ttl" | "target",
  string
>;

interface EndpointFieldsProps {
  form: ReturnType<typeof useForm<EndpointForm>>;
  users: readonly ProxyUser[];
  endpoint: Endpoint;
  /** The session name that "Keep one exit" starts with. */
  sessionName: string;
  isPasswordKnown: boolean;
}

const protocols = [
  { value: "connect", label: "CONNECT" },
  { value: "http", label: "HTTP" },
  { value: "socks5", label: "SOCKS5" },
] as const;
const protocolHints: Readonly<Record<string, string>> = {
  connect: "A tunnel through the proxy, for https:// targets. What most programs use.",
  http: "Plain requests, for http:// targets only.",
  socks5: "Any TCP protocol on an allowed port. Names are resolved at the exit.",
};
const forms = [
  { value: "karvon", label: "Karvon" },
  { value: "brightdata", label: "Bright Data" },
  { value: "oxylabs", label: "Oxylabs" },
  { value: "decodo", label: "Decodo" },
  { value: "soax", label: "SOAX" },
  { value: "iproyal", label: "IPRoyal, in the password" },
  { value: "dataimpulse", label: "DataImpulse" },
] as const;
const lifetimes = [
  { value: "10m", label: "10 minutes" },
  { value: "30m", label: "30 minutes" },
  { value: "2h", label: "2 hours" },
  { value: "12h", label: "12 hours" },
  { value: "24h", label: "24 hours" },
] as const;

export function EndpointFields({ form, users, endpoint, sessionName, isPasswordKnown }: EndpointFieldsProps) {
  const { values, bind, set } = form;
  const hasSession = values.session !== "";
  return (
    <div className="space-y-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label="Proxy user"
          {...bind("username")}
          choices={users.map((user) => ({
            value: user.username,
            label: user.label === null ? user.username : `${user.username} (${user.label})`,
          }))}
        />
        <PasswordField
          label="Password"
          autoComplete="off"
          placeholder={isPasswordKnown ? "Known in this tab" : "pxk…"}
          hint="Stays in this tab."
          {...bind("password")}
        />
      </div>
      <Labelled name="Protocol" hint={protocolHints[values.protocol] ?? ""}>
        <Segmented label="Protocol" value={values.protocol} onValue={(value) => set("protocol", value)} choices={protocols} />
      </Labelled>
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label="Country" {...bind("country")} choices={countryChoices(endpoint)} hint="Strict: never another country." />
        <TextField
          label="City (optional)"
          autoComplete="off"
          disabled={values.country === ""}
          {...bind("city")}
          hint={values.country === "" ? "Choose a country first." : "Strict: never another city."}
        />
      </div>
      <SelectField label="Type" {...bind("type")} choices={typeChoices(endpoint, values.country)} />
      <Labelled
        name="Exit"
        hint={
          hasSession ? "The same exit while its node is online, until the time is over." : "Each new connection leaves by another node."
        }
      >
        <Segmented
          label="Exit"
          value={hasSession ? "keep" : "rotate"}
          onValue={(value) => set("session", value === "keep" ? sessionName : "")}
          choices={[
            { value: "rotate", label: "New exit each time" },
            { value: "keep", label: "Keep one exit" },
          ]}
        />
      </Labelled>
      {hasSession ? (
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="Session name"
            autoComplete="off"
            spellCheck={false}
            maxLength={64}
            value={values.session}
            onValue={(text) => set("session", text.replaceAll(/[^A-Za-z0-9_.-]/g, "") || sessionName)}
          />
          <SelectField label="Keep for" {...bind("ttl")} choices={lifetimes} />
        </div>
      ) : null}
      <SelectField
        label="Username form"
        {...bind("form")}
        choices={forms}
        hint="Programs that were set up for another vendor go on with their own form."
      />
      <TextField label="Target of the curl command" autoComplete="off" spellCheck={false} {...bind("target")} />
    </div>
  );
}

function Labelled({ name, hint, children }: { name: string; hint: string; children: React.ReactNode }) {
  return (
    <div className="min-w-0">
      <p aria-hidden="true" className="mb-1 text-sm font-medium">
        {name}
      </p>
      {children}
      <p className="mt-1 text-sm text-faint">{hint}</p>
    </div>
  );
}

function countryChoices(endpoint: Endpoint) {
  const named = endpoint.countries.map((row) => ({
    value: row.country,
    label: `${countryName(row.country)} (${row.nodes} online)`,
    name: countryName(row.country),
  }));
  named.sort((left, right) => left.name.localeCompare(right.name));
  return [{ value: "", label: `Any country (${endpoint.total} online)` }, ...named.map(({ value, label }) => ({ value, label }))];
}

function typeChoices(endpoint: Endpoint, country: string) {
  const rows = endpoint.countries.filter((row) => country === "" || row.country === country);
  const sum = (kind: "mobile" | "wifi" | "residential") => rows.reduce((total, row) => total + row.byType[kind], 0);
  return [
    { value: "any", label: "Any type" },
    { value: "mobile", label: `Mobile, on cellular now (${sum("mobile")} online)` },
    { value: "wifi", label: `Wi-Fi (${sum("wifi")} online)` },
    { value: "residential", label: `Residential (${sum("residential")} online)` },
  ];
}
