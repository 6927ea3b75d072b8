/** An nginx of the system as a reverse proxy in front of one origin: a second, widely used reading of the same bytes. */
import { until } from "@karvon/testkit";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { dial } from "./raw-client.ts";

export interface Nginx {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with what nginx wrote when it does not start; Debian's package is nginx-light. */
export async function startNginx(originPort: number): Promise<Nginx> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "karvon-nginx-"));
  const config = join(folder, "nginx.conf");
  writeFileSync(config, configOf(folder, port, originPort));
  const child = spawn("nginx", ["-p", folder, "-c", config, "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const failed = new Promise<never>((_, fail) => child.once("error", fail));
  const exited = once(child, "exit").then((): never => {
    throw new Error(`nginx ended: ${said}`);
  });
  const listens = until(async () => ((await dial(port)).destroy(), true), { what: "nginx listens" });
  await Promise.race([listens, failed, exited]);
  return {
    port,
    async close() {
      const isOver = exited.catch(() => undefined);
      child.kill("SIGTERM");
      await isOver;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A client that ends its side still waits for the answer, so nothing is given up for it. */
function configOf(folder: string, port: number, originPort: number): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder};`).join(" ");
  const isRoot = process.getuid?.() === 0;
  return `
daemon off;
worker_processes 1;
${isRoot ? `user ${userInfo().username};` : ""}
pid ${folder}/pid;
events { worker_connections 256; }
http {
  access_log off;
  ${places}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${originPort}; proxy_http_version 1.1; proxy_ignore_client_abort on; }
  }
}
`;
}
