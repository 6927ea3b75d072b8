import { describe, expect, test } from "vitest";
import {
  citySlug,
  curlLine,
  type EndpointChoice,
  endpointLine,
  endpointUrl,
  proxyPassword,
  proxyUsername,
  usernameForms,
} from "./endpoint-line.ts";

const choice: EndpointChoice = {
  host: "127.0.0.1",
  port: 7000,
  username: "shop",
  password: "pxkAbC",
  protocol: "http",
  form: "karvon",
  clientId: "cli_1",
  country: "",
  city: "",
  type: "any",
  session: "",
  ttl: "10m",
  target: "example.com/",
};

describe("proxyUsername", () => {
  test("asks for a new exit each time when no session is named", () => {
    expect(proxyUsername(choice)).toBe("shop-rotate");
  });

  test("names country, city, type, session and ttl in the grammar's words", () => {
    expect(proxyUsername({ ...choice, country: "US", city: "New York", type: "mobile", session: "a1b2", ttl: "30m" })).toBe(
      "shop-country-us-city-new_york-type-mobile-session-a1b2-ttl-30m",
    );
  });

  test("leaves a city out when no country says where it is", () => {
    expect(proxyUsername({ ...choice, city: "Paris" })).toBe("shop-rotate");
  });
});

describe("the forms of other vendors", () => {
  const asked = { ...choice, country: "US", city: "New York", type: "mobile", session: "a1b2", ttl: "30m" } as const;

  test.each([
    ["brightdata", "brd-customer-cli_1-zone-shop-country-us-city-new_york-type-mobile-session-a1b2-ttl-30m", "pxkAbC"],
    ["oxylabs", "customer-shop-cc-us-city-new_york-type-mobile-sessid-a1b2-ttl-30m", "pxkAbC"],
    ["decodo", "user-shop-country-us-city-new_york-type-mobile-session-a1b2-ttl-30m", "pxkAbC"],
    ["soax", "package-shop-country-us-city-new_york-type-mobile-sessionid-a1b2-ttl-30m", "pxkAbC"],
    ["iproyal", "shop", "pxkAbC_country-us_city-newyork_type-mobile_session-a1b2_ttl-30m"],
    ["dataimpulse", "shop__cr.us;city.new_york;type.mobile;sessid.a1b2;ttl.30m", "pxkAbC"],
  ] as const)("%s is written as its programs expect", (form, username, password) => {
    expect([proxyUsername({ ...asked, form }), proxyPassword({ ...asked, form })]).toEqual([username, password]);
  });

  test("name only the user when nothing is asked for", () => {
    expect(usernameForms.map((form) => proxyUsername({ ...choice, form }))).toEqual([
      "shop-rotate",
      "brd-customer-cli_1-zone-shop",
      "customer-shop",
      "user-shop",
      "package-shop",
      "shop",
      "shop",
    ]);
    expect(proxyPassword({ ...choice, form: "iproyal" })).toBe("pxkAbC");
  });
});

describe("lines", () => {
  test("writes host, port, user and password in one line", () => {
    expect(endpointLine({ ...choice, country: "DE" })).toBe("127.0.0.1:7000:shop-country-de-rotate:pxkAbC");
  });

  test("lets the exit resolve names over SOCKS5 and brackets an IPv6 host", () => {
    expect(endpointUrl({ ...choice, protocol: "socks5", host: "::1" })).toBe("socks5h://shop-rotate:pxkAbC@[::1]:7000");
  });

  test("writes a curl line for each protocol", () => {
    expect(curlLine(choice)).toBe("curl -sS --proxy 'http://shop-rotate:pxkAbC@127.0.0.1:7000' 'http://example.com/'");
    expect(curlLine({ ...choice, protocol: "connect" })).toBe(
      "curl -sS --proxy 'http://shop-rotate:pxkAbC@127.0.0.1:7000' --proxytunnel 'https://example.com/'",
    );
    expect(curlLine({ ...choice, protocol: "socks5" })).toBe(
      "curl -sS --proxy 'socks5h://shop-rotate:pxkAbC@127.0.0.1:7000' 'https://example.com/'",
    );
  });

  test("keeps a quote in the target inside the shell's quotes", () => {
    expect(curlLine({ ...choice, target: "example.com/'; id" })).toContain(`'http://example.com/'\\''; id'`);
  });
});

describe("citySlug", () => {
  test.each([
    ["New York", "new_york"],
    ["  São Paulo ", "sao_paulo"],
    ["St. John's", "st_john_s"],
    ["", ""],
  ])("writes %s as %s", (city, slug) => {
    expect(citySlug(city)).toBe(slug);
  });
});
