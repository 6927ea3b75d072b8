/**
 * Work "link": Karvon's tunnel over slow and lossy links, against plain TCP over the same link.
 *
 * The gateway, the client and the database live in one network namespace, the nodes and the origin in another; `load link` carries
 * the packets between the two with delay, jitter, loss and a rate. Direct means the client's TCP to the origin over that
 * link. Needs Linux, root, /dev/net/tun and nsenter; where something is missing, a line says so. The namespaces belong to
 * the processes in them and are gone with those. Limit: 5 hours a link.
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BenchError } from "./build-load.ts";
import { buildNodes } from "./build-nodes.ts";
import { numberAt, readObject, type JsonObject } from "./json.ts";
import { linkArguments, linkProfiles, type LinkProfile, type LinkTask } from "./link-plan.ts";
import { startAnnounced, type RunningProcess } from "./processes.ts";
import type { SpecialContext } from "./special.ts";
import { findProgram } from "./start-peer.ts";

/** Four transfers of at most an hour, and what starts and stops around them. */
const insideTimeoutMs = 5 * 3_600_000;
/** It stops a whole Karvon first. */
const insideStopMs = 40_000;
/** It prints what it carried when it is asked to end. */
const lastWordsMs = 200;

export async function measureLink(context: SpecialContext): Promise<void> {
  const reason = whyNoLink();
  if (reason !== null) {
    context.say(`link is left out: ${reason}`);
    return;
  }
  const { profiles: wanted } = context.options.link;
  const profiles = linkProfiles.filter(({ name }) => wanted === null || wanted.includes(name));
  if (profiles.length === 0) throw new BenchError(`--link-profiles takes ${linkProfiles.map(({ name }) => name).join(", ")}.`);
  const nodesProgram = await buildNodes(context.buildDir);
  const result: Record<string, JsonObject> = {};
  for (const profile of profiles) {
    // One link that failed must not cost the figures of the others.
    const measured = await measureProfile(context, profile, nodesProgram).catch((cause: unknown) => ({ failure: String(cause) }));
    context.say(`${profile.title}: ${JSON.stringify(measured)}`);
    result[profile.name] = measured;
  }
  if (Object.values(result).some((measured) => "failure" in measured)) process.exitCode = 1;
  context.onRun({ peer: "karvon", work: "link", repetition: 0, at: new Date().toISOString(), result });
}

function whyNoLink(): string | null {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (findProgram("nsenter") === null) return "nsenter not found (Debian: apt-get install util-linux)";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return "/dev/net/tun is missing";
  }
}

async function measureProfile(context: SpecialContext, profile: LinkProfile, nodesProgram: string): Promise<JsonObject> {
  const { program, options } = context;
  context.say(`link: ${profile.title}`);
  const link = await startAnnounced({ argv: [program, "link", ...linkArguments(profile, options.link.congestion)], place: "anywhere" });
  context.onClose(() => link.close());
  const task: LinkTask = {
    profile: profile.name,
    program,
    nodesProgram,
    farPrefix: enter(link, "far"),
    streams: options.link.streams,
    bytesPerStream: Math.ceil((options.link.megabytes * 1_000_000) / options.link.streams),
  };
  const script = join(import.meta.dirname, "link-inside.ts");
  const inside = await startAnnounced(
    {
      argv: [...enter(link, "near"), process.execPath, "--import", "tsx", script],
      place: "anywhere",
      env: { ...process.env, BENCH_LINK_TASK: JSON.stringify(task) },
      stopTimeoutMs: insideStopMs,
      onStarted: (started) => context.onClose(() => started.close()),
    },
    insideTimeoutMs,
  );
  await inside.close();
  await link.close();
  await pause(lastWordsMs);
  return { ...inside.announced, carried: lastLine(link) };
}

function enter(link: { readonly announced: JsonObject }, side: "near" | "far"): readonly string[] {
  const pid = numberAt(link.announced, ["pid"]);
  const descriptor = numberAt(link.announced, [side]);
  if (pid === undefined || descriptor === undefined) throw new BenchError("The link did not say where its namespaces are.");
  return ["nsenter", `--net=/proc/${pid}/fd/${descriptor}`];
}

function lastLine(link: RunningProcess): JsonObject {
  try {
    return readObject(link.tail().split("\n").at(-1) ?? "");
  } catch {
    return {};
  }
}
