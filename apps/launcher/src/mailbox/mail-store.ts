/** The mails that the local mailbox caught: the newest 200, each a file in the data folder's `mail/`, newest first. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../data-folder.ts";

const mailsMax = 200;

export interface CaughtMail {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface MailStore {
  list(): readonly CaughtMail[];
  add(mail: CaughtMail): void;
}

function isMail(value: unknown): value is CaughtMail {
  if (typeof value !== "object" || value === null) return false;
  return ["id", "at", "from", "to", "subject", "text"].every((name) => typeof Reflect.get(value, name) === "string");
}

function readMail(path: string): CaughtMail | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isMail(value) ? value : null;
  } catch {
    return null;
  }
}

export function openMailStore(dir: string): MailStore {
  // Ids begin with the time, so names sort by it.
  const names = readdirSync(dir)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .toReversed();
  const mails: CaughtMail[] = [];
  for (const name of names) {
    const mail = mails.length < mailsMax ? readMail(join(dir, name)) : null;
    if (mail) mails.push(mail);
    else rmSync(join(dir, name), { force: true });
  }
  return {
    list: () => mails,
    add(mail) {
      writeFileAtomically(join(dir, `${mail.id}.json`), JSON.stringify(mail));
      mails.unshift(mail);
      for (const old of mails.splice(mailsMax)) rmSync(join(dir, `${old.id}.json`), { force: true });
    },
  };
}
