import { describe, expect, test } from "vitest";
import { createLogger, type LogFields } from "./logger.ts";

function logged(fields: LogFields): Record<string, unknown> {
  const lines: string[] = [];
  createLogger({ name: "test", write: (line) => void lines.push(line) }).info(fields);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? "");
}

describe("createLogger", () => {
  test("writes one JSON object with name, level, time, event and fields", () => {
    expect(logged({ event: "session.closed", upBytes: 5 })).toMatchObject({
      name: "test",
      level: "info",
      event: "session.closed",
      upBytes: 5,
    });
    expect(logged({ event: "session.closed" })["time"]).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test("writes big integers", () => {
    expect(logged({ event: "ledger.posted", bytes: 12n })["bytes"]).toBe(12);
  });

  test("tells an error with its code and cause", () => {
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    expect(logged({ event: "flush.failed", cause: new Error("no ledger", { cause }) })["cause"]).toMatchObject({
      message: "no ledger",
      cause: { message: "refused", errorCode: "ECONNREFUSED" },
    });
  });

  test.each(["password", "token", "authorization", "databaseUrl"])("replaces a field named %s, also one level down", (field) => {
    expect(JSON.stringify(logged({ event: "slip.made", [field]: "hunter2", inner: { [field]: "hunter2" } }))).not.toContain("hunter2");
  });

  test("keeps a refusal code readable", () => {
    expect(logged({ event: "request.refused", code: "no_exit" })["code"]).toBe("no_exit");
  });
});
