// `npm start`. This file is written so that even an old Node can read it and say what is wrong; the work is in
// scripts/lib/start-platform.mjs.
// The import below is dynamic, so that nothing newer is read before the version is known.
import { explainNode } from "./lib/node-version.mjs";

var complaint = explainNode(process.versions.node);
if (complaint) {
  process.stderr.write(complaint + "\n");
  process.exitCode = 1;
} else {
  void import("./lib/start-platform.mjs");
}
