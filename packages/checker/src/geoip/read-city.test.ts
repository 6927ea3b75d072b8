import { describe, expect, test } from "vitest";
import { nowhere, readCity } from "./read-city.ts";

const berlin = { country: "DE", region: "Land Berlin", city: "Berlin", latitude: 52.5, longitude: 13.4 };

describe("city records", () => {
  test("both schemas read to the same facts", () => {
    expect(readCity({ country_code: "DE", state1: "Land Berlin", city: "Berlin (Bezirk Mitte)", latitude: 52.5, longitude: 13.4 })).toEqual(
      berlin,
    );
    expect(
      readCity({
        country: { iso_code: "DE", names: { en: "Germany" } },
        subdivisions: [{ iso_code: "BE", names: { en: "Land Berlin" } }],
        city: { names: { en: "Berlin", de: "Berlin" } },
        location: { latitude: 52.5, longitude: 13.4 },
      }),
    ).toEqual(berlin);
  });

  test("what a record does not say is null", () => {
    expect(readCity({})).toEqual(nowhere);
    expect(readCity({ country_code: "", state1: "", city: "", latitude: 0 })).toEqual(nowhere);
    expect(readCity({ country_code: "ZZ" })).toEqual(nowhere);
    expect(readCity({ registered_country: { iso_code: "uz" } }).country).toBe("UZ");
  });

  test("a point off the globe is no point", () => {
    expect(readCity({ country_code: "DE", latitude: 91, longitude: 0 }).latitude).toBeNull();
  });
});
