/**
 * The demo's twelve nodes: invented devices at addresses of real access networks, so that places come out of the real
 * data. Each address is the first of its block, where a router sits rather than a subscriber, and nothing is ever sent
 * to it: it stands in a PROXY protocol header only. A test keeps the places true to the packaged data.
 */
import type { NetworkKind } from "@karvon/domain";

export interface FleetMember {
  /** Also the name of the node's folder. */
  readonly id: string;
  readonly label: string;
  readonly address: string;
  /** What the packaged data says about the address. */
  readonly country: string;
  readonly city: string;
  readonly platform: "android" | "linux";
  readonly model: string;
  readonly network: NetworkKind;
  /** Null: a box on the mains without a battery. */
  readonly batteryPercent: number | null;
  readonly dailyLimitBytes: number | null;
}

const gb = 1_000_000_000;

export const fleet: readonly FleetMember[] = [
  {
    id: "node-01",
    label: "Tashkent phone",
    address: "188.113.224.1",
    country: "UZ",
    city: "Tashkent",
    platform: "android",
    model: "Galaxy A54",
    network: "cellular",
    batteryPercent: 78,
    dailyLimitBytes: null,
  },
  {
    id: "node-02",
    label: "Tashkent home",
    address: "90.156.165.1",
    country: "UZ",
    city: "Tashkent",
    platform: "linux",
    model: "Raspberry Pi 4",
    network: "ethernet",
    batteryPercent: null,
    dailyLimitBytes: null,
  },
  {
    id: "node-03",
    label: "Samarkand shop Wi-Fi",
    address: "62.209.130.1",
    country: "UZ",
    city: "Samarkand",
    platform: "android",
    model: "Redmi Note 12",
    network: "wifi",
    batteryPercent: 64,
    dailyLimitBytes: 50 * gb,
  },
  {
    id: "node-04",
    label: "Almaty phone",
    address: "2.74.25.1",
    country: "KZ",
    city: "Almaty",
    platform: "android",
    model: "Redmi 13C",
    network: "cellular",
    batteryPercent: 91,
    dailyLimitBytes: null,
  },
  {
    id: "node-05",
    label: "Berlin home",
    address: "84.172.131.1",
    country: "DE",
    city: "Berlin",
    platform: "linux",
    model: "Intel NUC",
    network: "ethernet",
    batteryPercent: null,
    dailyLimitBytes: null,
  },
  {
    id: "node-06",
    label: "New York tablet",
    address: "67.243.41.1",
    country: "US",
    city: "New York",
    platform: "android",
    model: "Galaxy Tab S9",
    network: "wifi",
    batteryPercent: 55,
    dailyLimitBytes: null,
  },
  {
    id: "node-07",
    label: "Chicago phone",
    address: "100.255.99.1",
    country: "US",
    city: "Chicago",
    platform: "android",
    model: "Pixel 8",
    network: "cellular",
    batteryPercent: 83,
    dailyLimitBytes: 20 * gb,
  },
  {
    id: "node-08",
    label: "São Paulo home",
    address: "191.203.59.1",
    country: "BR",
    city: "Sao Paulo",
    platform: "linux",
    model: "Orange Pi 5",
    network: "ethernet",
    batteryPercent: null,
    dailyLimitBytes: null,
  },
  {
    id: "node-09",
    label: "Mumbai phone",
    address: "49.34.45.1",
    country: "IN",
    city: "Navi Mumbai",
    platform: "android",
    model: "Nord CE 4",
    network: "cellular",
    batteryPercent: 47,
    dailyLimitBytes: null,
  },
  {
    id: "node-10",
    label: "London flat Wi-Fi",
    address: "176.254.49.1",
    country: "GB",
    city: "London",
    platform: "android",
    model: "Pixel 7a",
    network: "wifi",
    batteryPercent: 100,
    dailyLimitBytes: null,
  },
  {
    id: "node-11",
    label: "Warsaw phone",
    address: "178.183.204.1",
    country: "PL",
    city: "Warsaw",
    platform: "android",
    model: "Moto G84",
    network: "cellular",
    batteryPercent: 69,
    dailyLimitBytes: null,
  },
  {
    id: "node-12",
    label: "Lagos phone",
    address: "102.92.12.1",
    country: "NG",
    city: "Lagos",
    platform: "android",
    model: "Camon 30",
    network: "cellular",
    batteryPercent: 36,
    dailyLimitBytes: 10 * gb,
  },
];

/** What the platform calls this kind of line, from what the node reports. */
export function lineOf(network: NetworkKind): "mobile" | "wifi" | "residential" {
  if (network === "cellular") return "mobile";
  return network === "wifi" ? "wifi" : "residential";
}
