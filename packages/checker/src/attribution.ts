/** What the data's licences (CC BY 4.0) ask to be shown wherever a place or a network name is shown. */
export interface Attribution {
  readonly text: string;
  readonly url: string;
  readonly licence: string;
}

export const attributions: readonly Attribution[] = [
  { text: "IP Geolocation by DB-IP", url: "https://db-ip.com/", licence: "CC BY 4.0" },
  {
    text: "AS numbers by Route Views and DB-IP, compiled by ip-location-db",
    url: "https://github.com/sapics/ip-location-db",
    licence: "CC BY 4.0",
  },
];
