/** Reads what the platform mailed, as a person would look into a mailbox. */
import { expect } from "@playwright/test";

interface Mail {
  readonly to: string;
  readonly text: string;
}

async function mailsTo(mailUrl: string, email: string): Promise<readonly Mail[]> {
  const mails = (await (await fetch(new URL("/api/mails", mailUrl))).json()) as readonly Mail[];
  return mails.filter((mail) => mail.to.includes(email));
}

export async function countMails(mailUrl: string, email: string): Promise<number> {
  return (await mailsTo(mailUrl, email)).length;
}

/** The newest `Code: …` mailed to `email` after the first `skip` mails to it. */
export async function mailedCode(mailUrl: string, email: string, skip = 0): Promise<string> {
  let code = "";
  await expect
    .poll(
      async () => {
        const own = await mailsTo(mailUrl, email);
        code = own.length > skip ? (own.map((mail) => /Code: (\d{6,8})/.exec(mail.text)?.[1]).find(Boolean) ?? "") : "";
        return code;
      },
      { message: `a mail with a code for ${email}`, timeout: 15_000 },
    )
    .not.toBe("");
  return code;
}
