/**
 * Structured logs: one JSON object a line on standard output, each with an event name and typed fields.
 *
 * Known secret fields are replaced at the top level and one level down, as a net under the rule that nobody logs them.
 * It does not rotate files: whoever owns the output (the launcher, a service manager) bounds it.
 * Writing is synchronous, so the last line before an exit is not lost.
 */
import { pino, type DestinationStream } from "pino";

/** `area.what-happened`, for example "session.closed". Stable: dashboards and alerts match on it. */
export type EventName = `${string}.${string}`;

/** An event and its fields; numbers carry their unit in the name (`durationMs`, `upBytes`). */
export type LogFields = { readonly event: EventName } & Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export interface Logger {
  debug(fields: LogFields): void;
  info(fields: LogFields): void;
  warn(fields: LogFields): void;
  error(fields: LogFields): void;
  fatal(fields: LogFields): void;
  /** A logger that adds the same fields to each line. */
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

export interface LoggerOptions {
  /** Which program or part speaks: "proxy", "web", "agent". */
  readonly name: string;
  readonly level?: LogLevel;
  /** Where lines go; standard output when left out. */
  readonly write?: (line: string) => void;
}

const secretFields = [
  "password",
  "secret",
  "secretHash",
  "token",
  "mailedCode",
  "enrolmentCode",
  "authorization",
  "proxyAuthorization",
  "cookie",
  "pepper",
  "privateKey",
  "keyPem",
  "databaseUrl",
  "smtpUrl",
];

/** What a thrown value says about itself, with its causes down to five levels. Stacks only for errors. */
function describe(value: unknown, depth = 0): unknown {
  if (!(value instanceof Error)) return typeof value === "object" && value !== null ? { ...value } : value;
  const code: unknown = Reflect.get(value, "code");
  return {
    type: value.name,
    message: value.message,
    ...(typeof code === "string" ? { errorCode: code } : {}),
    stack: value.stack,
    ...(value.cause !== undefined && depth < 4 ? { cause: describe(value.cause, depth + 1) } : {}),
  };
}

/** A logger for one program. Mailed codes and enrolment codes are never logged; `code` is free for refusal codes. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write;
  const destination: DestinationStream | undefined = write && { write };
  const settings = {
    name: options.name,
    level: options.level ?? "info",
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: {
      err: (value: unknown) => describe(value),
      error: (value: unknown) => describe(value),
      cause: (value: unknown) => describe(value),
    },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: "[secret]" },
  };
  return destination ? pino(settings, destination) : pino(settings);
}
