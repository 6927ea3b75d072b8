/** Reads the command line into one of four commands, or a sentence that says what is wrong with it. */
import { parseArgs } from "node:util";
import {
  type DeviceReading,
  type EgressAllow,
  type OwnerLimits,
  addressToBytes,
  networkKinds,
  parseEgressAllow,
  readOwnerLimits,
} from "@karvon/domain";

/** What a PROXY protocol header says in tests: an address, and a port that nobody looks at. */
interface AnnouncedSource {
  readonly address: string;
  readonly port: number;
}
const announcedPort = 40_000;

export type Command =
  | {
      readonly kind: "enroll";
      readonly code: string;
      readonly label: string;
      readonly hasAccepted: boolean;
      readonly folder: string | null;
      readonly source: AnnouncedSource | undefined;
    }
  | {
      readonly kind: "run";
      readonly folder: string | null;
      readonly name: string;
      readonly limits: OwnerLimits;
      readonly known: Partial<DeviceReading>;
      readonly gateway: { readonly host: string; readonly port: number } | undefined;
      readonly egressAllow: EgressAllow;
      readonly source: AnnouncedSource | undefined;
      readonly isJson: boolean;
    }
  | { readonly kind: "withdraw"; readonly folder: string | null }
  | { readonly kind: "status"; readonly folder: string | null; readonly isJson: boolean }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly reason: string };

export const usage = `karvon-agent: lets paying clients of an operator use this device's connection, within your limits

  karvon-agent enroll <code>    join with the code from your operator
      --label <name>            what the operator calls this device
      --accept-consent          you have read the consent text and agree (for machines without a keyboard)
  karvon-agent run              serve until Ctrl-C
      --wifi-only               serve over Wi-Fi or cable only
      --min-battery <percent>   stop below this unless charging (default 20)
      --daily-mb <megabytes>    stop after this much in a day (default no limit)
      --battery <percent>       say this battery level instead of measuring it
      --charging                say that the device is charging
      --network <kind>          say this network: wifi, cellular, ethernet or unknown
      --metered                 say that the network is metered
      --gateway <host:port>     where the gateway is now, if it has moved
      --name <name>             title of the display
      --egress-allow <list>     tests only: private addresses that may be reached, as CIDR or address:port
      --proxy-protocol-source <address>   tests only: announce this address to a gateway that trusts this device to
  karvon-agent status           what this device is and what passed today
  karvon-agent withdraw         take your consent back

Everywhere: --data <folder> (default ~/.karvon-agent); run and status: --json.
`;

const options = {
  data: { type: "string" },
  label: { type: "string" },
  "accept-consent": { type: "boolean" },
  "wifi-only": { type: "boolean" },
  "min-battery": { type: "string" },
  "daily-mb": { type: "string" },
  battery: { type: "string" },
  charging: { type: "boolean" },
  network: { type: "string" },
  metered: { type: "boolean" },
  gateway: { type: "string" },
  name: { type: "string" },
  "egress-allow": { type: "string" },
  "proxy-protocol-source": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
}

export function readArguments(args: readonly string[]): Command {
  try {
    const { values, positionals } = parse(args);
    const [name, ...rest] = positionals;
    return values.help === true || name === undefined ? { kind: "help" } : readCommand(name, rest, values);
  } catch (cause) {
    // parseArgs adds advice after its first sentence; ours has one sentence.
    return { kind: "wrong", reason: cause instanceof Error ? (cause.message.split(". ")[0] ?? "") : "the arguments cannot be read" };
  }
}

/** Ends the reading; `readArguments` turns it into a sentence for the owner. */
function refuse(reason: string): never {
  throw new RangeError(reason);
}

function readCommand(name: string, rest: readonly string[], values: Values): Command {
  const folder = values.data ?? null;
  if (name === "enroll" || name === "enrol") return readEnrol(values, rest, folder);
  if (rest[0] !== undefined) return refuse(`"${rest[0]}" is one word too many`);
  switch (name) {
    case "run":
      return readRun(values, folder);
    case "withdraw":
      return { kind: "withdraw", folder };
    case "status":
      return { kind: "status", folder, isJson: values.json === true };
    case "help":
      return { kind: "help" };
    default:
      return refuse(`there is no command "${name}"`);
  }
}

function readEnrol(values: Values, rest: readonly string[], folder: string | null): Command {
  const [code, extra] = rest;
  if (code === undefined) return refuse("enroll needs the code from your operator");
  if (extra !== undefined) return refuse(`"${extra}" is one word too many`);
  const hasAccepted = values["accept-consent"] === true;
  return { kind: "enroll", code, label: values.label ?? "", hasAccepted, folder, source: readSource(values) };
}

function readRun(values: Values, folder: string | null): Command {
  const reading = readOwnerLimits({
    wifiOnly: values["wifi-only"],
    minBatteryPercent: readNumber(values["min-battery"]),
    dailyMb: readNumber(values["daily-mb"]),
  });
  if (reading.kind === "bad") return refuse(reading.reason);
  const egress = parseEgressAllow((values["egress-allow"] ?? "").split(",").filter((entry) => entry !== ""));
  if (egress.kind === "bad") return refuse(`--egress-allow: "${egress.entry}" is neither a CIDR nor an address:port`);
  return {
    kind: "run",
    folder,
    name: values.name ?? "",
    limits: reading.limits,
    known: readKnown(values),
    gateway: readDoor(values.gateway),
    egressAllow: egress.allow,
    source: readSource(values),
    isJson: values.json === true,
  };
}

/** What the owner says about the device, in place of measuring it. */
function readKnown(values: Values): Partial<DeviceReading> {
  const battery = readNumber(values.battery);
  if (battery !== undefined && !(Number.isInteger(battery) && battery >= 0 && battery <= 100)) {
    return refuse("--battery is a whole number from 0 to 100");
  }
  const network = networkKinds.find((kind) => kind === values.network);
  if (values.network !== undefined && network === undefined) return refuse(`--network is one of ${networkKinds.join(", ")}`);
  return {
    ...(battery === undefined ? {} : { batteryPercent: battery, isCharging: values.charging === true }),
    ...(values.charging === true ? { isCharging: true } : {}),
    ...(network === undefined ? {} : { network }),
    ...(values.metered === true ? { isMetered: true } : {}),
  };
}

/** NaN for what is no number, so that the range check that follows refuses it. */
function readNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

function readDoor(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : refuse("--gateway needs host:port");
}

function readSource(values: Values): AnnouncedSource | undefined {
  const address = values["proxy-protocol-source"];
  if (address === undefined) return undefined;
  return addressToBytes(address) ? { address, port: announcedPort } : refuse("--proxy-protocol-source needs an IP address");
}
