import { BatteryCharging, BatteryFull, BatteryLow, BatteryMedium, Cable, CircleHelp, Signal, Wifi } from "lucide-react";
import { DemoBadge } from "./badge.tsx";
import { cn } from "./cn.ts";
import { countryName } from "./format-time.ts";
import { formatBytes, formatExactBytes, formatExactUsd, formatUsd, type Amount } from "./format.ts";

/** A dash that screen readers read as "none". */
export function None() {
  return (
    <span className="text-faint">
      <span aria-hidden="true">–</span>
      <span className="sr-only">none</span>
    </span>
  );
}

/** Bytes in a readable unit; the exact count is in the title. */
export function Bytes({ amount }: { amount: Amount }) {
  return (
    <span title={formatExactBytes(amount)} className="whitespace-nowrap">
      {formatBytes(amount)}
    </span>
  );
}

/** Money; every micro-dollar is in the title. `isExact` writes them out, so that a column of small sums lines up. */
export function Usd({ amount, isExact = false }: { amount: Amount; isExact?: boolean }) {
  return (
    <span title={formatExactUsd(amount)} className="whitespace-nowrap">
      {isExact ? formatExactUsd(amount) : formatUsd(amount)}
    </span>
  );
}

/** A country code chip with city, and the country's name in the title. */
export function Place({ country, city }: { country: string | null; city?: string | null }) {
  if (country === null) return <None />;
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5" title={countryName(country)}>
      <CountryCode code={country} />
      <span className="truncate">{city ?? countryName(country)}</span>
    </span>
  );
}

export function CountryCode({ code }: { code: string }) {
  return <span className="rounded bg-sunken px-1 font-mono text-2xs text-soft ring-1 ring-line ring-inset">{code.toUpperCase()}</span>;
}

/** `host:port` in mono; wraps rather than hides its end. */
export function Target({ host, port }: { host: string | null; port: number | null }) {
  if (host === null) return <None />;
  return (
    <span className="block font-mono text-xs break-all md:min-w-36 md:max-w-72">
      {host}
      {port === null ? null : <span className="text-faint">:{port}</span>}
    </span>
  );
}

/** A label with a second, quieter line; what the demo made says so there. */
export function Named({ name, note, isDemo = false }: { name: string; note?: string | null | undefined; isDemo?: boolean }) {
  const hasNote = note !== undefined && note !== null && note !== "";
  return (
    <span className="block min-w-0 md:min-w-32">
      <span className="block font-medium break-words">{name}</span>
      {hasNote || isDemo ? (
        <span className="flex items-center gap-1.5 text-xs text-faint">
          {isDemo ? <DemoBadge /> : null}
          <span className="min-w-0 break-words">{note}</span>
        </span>
      ) : null}
    </span>
  );
}

export function Battery({ percent, isCharging }: { percent: number | null; isCharging: boolean | null }) {
  if (percent === null) return <None />;
  const Icon = isCharging === true ? BatteryCharging : percent >= 80 ? BatteryFull : percent >= 30 ? BatteryMedium : BatteryLow;
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap", percent < 20 && isCharging !== true && "text-bad")}>
      <Icon aria-hidden="true" className="size-4 text-faint" />
      {percent} %{isCharging === true ? <span className="sr-only"> charging</span> : null}
    </span>
  );
}

const networks = {
  wifi: { icon: Wifi, name: "Wi-Fi" },
  cellular: { icon: Signal, name: "Cellular" },
  ethernet: { icon: Cable, name: "Ethernet" },
} as const;

export function Network({ kind }: { kind: string | null }) {
  const known = Object.entries(networks).find(([name]) => name === kind)?.[1] ?? { icon: CircleHelp, name: "Unknown" };
  const Icon = known.icon;
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <Icon aria-hidden="true" className="size-4 text-faint" />
      {known.name}
    </span>
  );
}
