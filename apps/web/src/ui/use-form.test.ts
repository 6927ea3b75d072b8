import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseForm } from "./use-form.ts";

const schema = z.strictObject({ email: z.string().min(3, "Three letters at least.").regex(/@/, "An @ is missing."), gigabytes: z.int() });

describe("parseForm", () => {
  test("gives the parsed data", () => {
    expect(parseForm(schema, { email: "a@b", gigabytes: 5 })).toEqual({ ok: true, data: { email: "a@b", gigabytes: 5 } });
  });

  test("gathers the messages of each field", () => {
    expect(parseForm(schema, { email: "ab", gigabytes: 5 })).toEqual({
      ok: false,
      errors: { email: ["Three letters at least.", "An @ is missing."] },
    });
  });

  test("says one plain sentence for a field that was left empty", () => {
    expect(parseForm(schema, { email: "", gigabytes: 5 })).toEqual({ ok: false, errors: { email: ["Fill this in."] } });
  });
});
