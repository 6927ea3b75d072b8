// What the tests need of the machine. On a bare Debian as root it is installed in one go. Elsewhere a sentence says what
// is missing: without the tools nothing can start, without a real client its own test fails and names the package.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { run, say, StepError } from "./steps.mjs";

/** Programs that the tests run as clients of the proxy or, nginx, beside it, by Debian package. */
const clientPrograms = {
  "nginx-light": "nginx",
  wget: "wget",
  aria2: "aria2c",
  "golang-go": "go",
  "default-jdk-headless": "javac",
  proxychains4: "proxychains4",
  socat: "socat",
};
const pythonModules = ["requests", "socks", "httpx", "socksio"];

function missingTools() {
  const missing = runs("curl", "--version") ? [] : ["curl"];
  if (process.platform !== "linux" || hasBrowser()) return missing;
  const libraries = spawnSync("ldconfig", ["-p"], { encoding: "utf8" }).stdout ?? "";
  for (const [library, name] of [
    ["libnss3.so", "libnss3"],
    ["libnspr4.so", "libnspr4"],
    ["libexpat.so.1", "libexpat1"],
  ]) {
    if (!libraries.includes(library)) missing.push(name);
  }
  return missing;
}

function missingClients() {
  if (process.platform !== "linux") return [];
  const programs = Object.entries(clientPrograms).filter(([, program]) => spawnSync(program, ["--version"]).error !== undefined);
  const modules = pythonModules.filter((name) => !runs("/usr/bin/python3", "-c", `import ${name}`));
  return [...programs.map(([name]) => name), ...modules.map((name) => `python3-${name}`)];
}

function runs(program, ...args) {
  return spawnSync(program, args).status === 0;
}

function hasBrowser() {
  const places = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/snap/bin/chromium",
  ];
  return Boolean(process.env["PW_CHROMIUM"]) || places.some((place) => existsSync(place));
}

/** Rejects with a StepError when the tests could not even start. */
export async function ensureSystemTools() {
  const tools = missingTools();
  const wanted = [...tools, ...missingClients()];
  if (wanted.length === 0) return;
  const trouble = await install(wanted);
  if (trouble === null) return;
  if (tools.length > 0) throw new StepError(trouble);
  say(`${trouble}\nThe tests of these clients will fail.`);
}

/** Null when all is there now, or why it is not. */
async function install(names) {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    return `The tests need ${names.join(", ")}; install them and start again.`;
  say(`installing ${names.join(", ")}`);
  // Slim images have no folder for manual pages, and the Java packages stop without it.
  mkdirSync("/usr/share/man/man1", { recursive: true });
  await run("apt-get", ["update"]);
  const done = await run("apt-get", ["install", "-y", "--no-install-recommends", ...names], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  say(`apt-get took ${done.seconds.toFixed(0)} s`);
  return done.code === 0 ? null : `${names.join(", ")} could not be installed:\n${done.output.slice(-1500)}`;
}
