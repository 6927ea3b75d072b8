// Install if needed, build what changed, then hand over to the launcher in this same process.
import { ensureBuilt, ensureInstalled, releaseSignals, StepError } from "./steps.mjs";

try {
  await ensureInstalled();
  await ensureBuilt();
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
releaseSignals();
await import("../../apps/launcher/dist/main.mjs");
