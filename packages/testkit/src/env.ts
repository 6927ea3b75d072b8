const variable = "TEST_POSTGRES_URL";

/** The server that this test run started, handed from the global set-up to the test processes. */
export function readServerUrl(): string {
  const url = process.env[variable];
  if (url === undefined)
    throw new Error("no test database server: name the file *.integration.test.ts, so that vitest's global set-up runs before it");
  return url;
}

export function shareServerUrl(url: string | undefined): void {
  if (url === undefined) delete process.env[variable];
  else process.env[variable] = url;
}

/** `full` runs the tests of money at full length. */
export function readTier(): string | undefined {
  return process.env["TEST_TIER"];
}
