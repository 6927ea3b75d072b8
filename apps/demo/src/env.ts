/** The demo's own settings, beside the platform's (packages/settings). */
export interface DemoSettings {
  /** Where the echo target listens; 0 takes any free port. */
  readonly echoPort: number;
  /** Whether the demo client's proxy user sends a few KB a second, so that live charts move. Off unless DEMO_TRAFFIC=1. */
  readonly hasTraffic: boolean;
}

export function readDemoSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const text = env["ECHO_PORT"] ?? "0";
  const echoPort = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(echoPort <= 65_535)) throw new RangeError(`ECHO_PORT is wrong: "${text}" is not a port from 0 to 65535.`);
  return { echoPort, hasTraffic: env["DEMO_TRAFFIC"] === "1" };
}
