/** The `karvon` command. Reads the environment and exits; everything else is in run.ts. */
import { fileURLToPath } from "node:url";
import { readSettings } from "@karvon/settings";
import { connect } from "./connect.ts";
import { run } from "./run.ts";

/** The checkout: the data folder's default stands beside its package.json, wherever the command is typed. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const terminal = { out: (text: string) => void process.stdout.write(text), err: (text: string) => void process.stderr.write(text) };
process.exitCode = await run(process.argv.slice(2), terminal, () => connect(readSettings(process.env, root)));
