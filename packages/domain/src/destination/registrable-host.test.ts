import { expect, test } from "vitest";
import { registrableHost } from "./registrable-host.ts";

test.each([
  ["example.com", "example.com"],
  ["www.example.com", "example.com"],
  ["a.b.c.example.com", "example.com"],
  ["example.co.uk", "example.co.uk"],
  ["www.example.co.uk", "example.co.uk"],
  ["shop.example.com.br", "example.com.br"],
  ["co.uk", "co.uk"],
  ["x.uz", "x.uz"],
  ["a.x.uz", "x.uz"],
  ["com.example.net", "example.net"],
  ["localhost", "localhost"],
  ["", ""],
  [".com", ".com"],
])("%s belongs to %s", (host, registered) => {
  expect(registrableHost(host)).toBe(registered);
});
