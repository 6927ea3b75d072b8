// Loaded into the gateway with NODE_OPTIONS=--import when the benchmark wants to look inside: a CPU profile, a garbage
// collection before memory is read, and how many process warnings there were. Rates are never measured with it.
//
// SIGUSR2 makes it read the command in BENCH_HOOK_DIR/command and write its answer to BENCH_HOOK_DIR/<pid>.<number>.json.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const folder = process.env.BENCH_HOOK_DIR;
const samplingUs = 500;

async function collect() {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  // Twice, with a turn between: what finalizers free, the second round takes.
  gc();
  await new Promise((done) => setImmediate(done));
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsedBytes: heapUsed, externalBytes: external };
}

function listen() {
  const warnings = [];
  process.on("warning", (warning) => {
    if (warnings.length < 100) warnings.push(`${warning.name}: ${warning.message}`);
  });
  let session;
  const commands = {
    collect,
    async start() {
      session = new Session();
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: samplingUs });
      await session.post("Profiler.start");
      return {};
    },
    async stop() {
      const { profile } = await session.post("Profiler.stop");
      session.disconnect();
      return { profile };
    },
  };
  process.on("SIGUSR2", () => {
    const { name, number } = JSON.parse(readFileSync(join(folder, "command"), "utf8"));
    commands[name]()
      .catch((cause) => ({ error: String(cause) }))
      .then((answer) => {
        const file = join(folder, `${process.pid}.${number}.json`);
        writeFileSync(`${file}.part`, JSON.stringify({ ...answer, warnings }));
        renameSync(`${file}.part`, file);
      });
  });
}

if (folder !== undefined && process.argv[1]?.includes("/apps/proxy/dist/main")) listen();
