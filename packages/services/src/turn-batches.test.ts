import type { Statement } from "@karvon/db";
import { describe, expect, test } from "vitest";
import { createTurnBatches } from "./turn-batches.ts";

const statement: Statement = { name: "numbers", text: "" };

/** A database that answers each key with the number of the statement that asked. */
function playDatabase(failOn = 0) {
  const asked: { keys: string[]; values: unknown[] }[] = [];
  const batches = createTurnBatches({
    query: (_statement, [keys, ...values]) => {
      asked.push({ keys: keys as string[], values });
      if (asked.length === failOn) return Promise.reject(new Error("the database is away"));
      const rows: unknown = (keys as string[]).filter((key) => key !== "missing").map((key) => ({ key, statement: asked.length }));
      return Promise.resolve(rows as never);
    },
  });
  return { asked, batches };
}

describe("turn batches", () => {
  test("ask once for all that is asked in one turn, each key once", async () => {
    const { asked, batches } = playDatabase();
    const rows = await Promise.all(["a", "b", "a", "missing"].map((key) => batches.find(statement, key)));
    expect(asked).toEqual([{ keys: ["a", "b", "missing"], values: [] }]);
    expect(rows).toEqual([{ key: "a", statement: 1 }, { key: "b", statement: 1 }, { key: "a", statement: 1 }, null]);
  });

  test("keep nothing: the next turn asks again", async () => {
    const { asked, batches } = playDatabase();
    await batches.find(statement, "a");
    expect(await batches.find(statement, "a")).toEqual({ key: "a", statement: 2 });
    expect(asked).toHaveLength(2);
  });

  test("do not mix questions that differ in anything but the key", async () => {
    const { asked, batches } = playDatabase();
    const other: Statement = { name: "others", text: "" };
    await Promise.all([
      batches.find(statement, "a", [new Date(1)]),
      batches.find(statement, "b", [new Date(2)]),
      batches.find(other, "a", [new Date(1)]),
    ]);
    expect(asked).toHaveLength(3);
  });

  test("begin another statement after 500 keys", async () => {
    const { asked, batches } = playDatabase();
    await Promise.all(Array.from({ length: 1_001 }, (_, index) => batches.find(statement, String(index))));
    expect(asked.map(({ keys }) => keys.length)).toEqual([500, 500, 1]);
  });

  test("tell everybody of a failure, and ask afresh after it", async () => {
    const { batches } = playDatabase(1);
    const both = await Promise.allSettled([batches.find(statement, "a"), batches.find(statement, "b")]);
    expect(both.map((one) => one.status)).toEqual(["rejected", "rejected"]);
    expect(await batches.find(statement, "a")).toEqual({ key: "a", statement: 2 });
  });
});
