import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";
import { forkProgram, startService, type Service, type ServiceOptions } from "./service.ts";

let dir = "";
let said: string[] = [];
let running: Service | undefined;
let wakeUp: (() => void) | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "karvon-service-"));
  said = [];
});
afterEach(async () => {
  await running?.stop(true);
  running = undefined;
  rmSync(dir, { recursive: true });
});

function optionsFor(program: string, changes: Partial<ServiceOptions> = {}): ServiceOptions {
  const module = join(dir, "program.mjs");
  writeFileSync(module, program);
  return {
    name: "proxy",
    spawn: () => forkProgram({ module, environment: { ...process.env, RUNS: join(dir, "runs") }, cwd: dir }),
    log: openLogFile(join(dir, "proxy.log")),
    stopTimeoutMs: 5_000,
    signal: new AbortController().signal,
    onRestarted: () => wakeUp?.(),
    onGivenUp: () => undefined,
    say: (text) => said.push(text),
    ...changes,
  };
}

const serve = `process.send({ type: "ready", proxyPort: 7 }); setInterval(() => {}, 1000);`;

describe("startService", () => {
  test("resolves when the program says that it serves, with what it said", async () => {
    running = await startService(optionsFor(serve));
    expect(running.facts).toMatchObject({ proxyPort: 7 });
    expect(running.pid).toBeGreaterThan(0);
  });

  test("tells the end of the log when the program ends before it serves", async () => {
    await expect(startService(optionsFor(`console.error("no port left"); process.exit(3);`))).rejects.toThrow(
      /proxy ended with code 3\. The end of .*proxy\.log:\nno port left/,
    );
  });

  test("tells the program's own last word when it logged one", async () => {
    const line = JSON.stringify({
      level: "fatal",
      event: "web.start-failed",
      message: "The panels could not start.",
      cause: { message: "No build." },
    });
    await expect(startService(optionsFor(`console.log("noise"); console.log(${JSON.stringify(line)}); process.exit(1);`))).rejects.toThrow(
      /^proxy ended with code 1: The panels could not start\. No build\. \(more in .*proxy\.log\)$/,
    );
  });

  test("waits for the program's own last work when it stops", async () => {
    const program = `import { writeFileSync } from "node:fs";
      process.on("SIGTERM", () => setTimeout(() => { writeFileSync(process.env.RUNS, "flushed"); process.exit(0); }, 200)); ${serve}`;
    const service = await startService(optionsFor(program));
    await service.stop();
    expect(readFileSync(join(dir, "runs"), "utf8")).toBe("flushed");
  });

  test("kills a program that does not stop in its time", async () => {
    const service = await startService(optionsFor(`process.on("SIGTERM", () => {}); ${serve}`, { stopTimeoutMs: 200 }));
    await service.stop();
    expect(() => process.kill(service.pid, 0)).toThrow("ESRCH");
  });

  test("starts a crashed program again and says so", async () => {
    const again = new Promise<void>((resolve) => (wakeUp = resolve));
    running = await startService(optionsFor(serve));
    const first = running.pid;
    process.kill(first, "SIGKILL");
    await again;
    expect(running.pid).not.toBe(first);
    expect(said[0]).toContain("proxy ended unexpectedly (SIGKILL); starting it again in 0.5 s");
  });

  test("replaces a program only when its successor serves, and waits until it has left", async () => {
    const asked: number[] = [];
    const program = `process.on("message", () => setTimeout(() => process.exit(0), 100)); ${serve}`;
    running = await startService(
      optionsFor(program, {
        askToRetire(child) {
          asked.push(child.pid ?? 0);
          child.send("leave");
        },
      }),
    );
    const first = running.pid;
    await running.replace();
    expect(asked).toEqual([first]);
    expect(running.pid).not.toBe(first);
    expect(() => process.kill(first, 0)).toThrow("ESRCH");
    expect(said).toEqual([]);
  });

  test("keeps a program whose successor does not serve", async () => {
    const program = `import { existsSync, writeFileSync } from "node:fs";
      if (existsSync(process.env.RUNS)) process.exit(9);
      writeFileSync(process.env.RUNS, ""); ${serve}`;
    running = await startService(optionsFor(program));
    const first = running.pid;
    await expect(running.replace()).rejects.toThrow(/ended with code 9/);
    expect(running.pid).toBe(first);
    process.kill(first, 0);
  });

  test("ends a program that is not ready when the platform stops", async () => {
    const abort = new AbortController();
    const starting = startService(optionsFor(`console.log("up"); setInterval(() => {}, 1000);`, { signal: abort.signal }));
    abort.abort();
    await expect(starting).rejects.toThrow(/proxy ended with SIGTERM/);
  });
});
