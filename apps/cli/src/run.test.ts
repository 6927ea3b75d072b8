import { describe, expect, test } from "vitest";
import { ConnectError, type Connection } from "./connect.ts";
import { commands, run } from "./run.ts";

async function typed(...args: string[]): Promise<{ code: number; out: string; err: string; isConnected: boolean }> {
  const said = { out: "", err: "", isConnected: false };
  const terminal = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) };
  const connect = (): Promise<Connection> => {
    said.isConnected = true;
    throw new ConnectError("Karvon does not run here; start it with npm start.");
  };
  return { code: await run(args, terminal, connect), ...said };
}

describe("karvon", () => {
  test("lists its commands when asked for nothing", async () => {
    const { code, out } = await typed();
    expect(code).toBe(0);
    for (const command of commands) expect(out).toContain(`  ${command.name} `);
  });

  test.each(commands.map(({ name }) => name))("%s explains itself without a database", async (name) => {
    const { code, out, isConnected } = await typed(...name.split(" "), "--help");
    expect(code).toBe(0);
    expect(out).toContain(`Usage: karvon ${name}`);
    expect(isConnected).toBe(false);
  });

  test.each([
    [["fly"], "there is no command fly"],
    [["proxy-user"], "type one of: proxy-user create, proxy-user list"],
    [["proxy-user", "disable"], "type: karvon proxy-user disable USERNAME"],
    [["nodes", "extra"], "type: karvon nodes"],
    [["sessions", "--stats", "open"], "karvon sessions --help lists the options"],
  ])("%j is refused before the database is asked", async (args, sentence) => {
    const { code, out, err, isConnected } = await typed(...args);
    expect({ code, out, isConnected }).toEqual({ code: 2, out: "", isConnected: false });
    expect(err).toContain(sentence);
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  test("says what to do when the platform does not run", async () => {
    expect(await typed("nodes", "--json")).toMatchObject({
      code: 1,
      out: "",
      err: "karvon: Karvon does not run here; start it with npm start.\n",
    });
  });
});
