#!/usr/bin/env node
import { existsSync } from "node:fs";

const program = new URL("../dist/main.mjs", import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write("karvon-agent is not built yet; run npm ci and npm run build in the checkout first (npm start does both).\n");
  process.exitCode = 1;
}
