/** The mailbox as a page. Everything that came by mail is escaped; only links to http and https become links. */
import type { CaughtMail } from "./mail-store.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}

function withLinks(text: string): string {
  return text
    .split(/(https?:\/\/[^\s<>"']+)/)
    .map((part, index) => (index % 2 === 1 ? `<a href="${escapeHtml(part)}">${escapeHtml(part)}</a>` : escapeHtml(part)))
    .join("");
}

function article(mail: CaughtMail): string {
  return `<article><h2>${escapeHtml(mail.subject)}</h2><p>to <b>${escapeHtml(mail.to)}</b> from ${escapeHtml(mail.from)} at <time>${escapeHtml(mail.at)}</time></p><pre>${withLinks(mail.text)}</pre></article>`;
}

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
article{border:1px solid #8885;border-radius:8px;padding:.2rem 1rem;margin:1rem 0}h2{font-size:1rem;margin:.8rem 0 0}p{margin:.2rem 0;opacity:.75}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.5 ui-monospace,monospace}`;

export function mailPage(mails: readonly CaughtMail[]): string {
  const body =
    mails.length === 0 ? "<p>No mail yet. Sign up, or ask for an admin code, and it arrives here.</p>" : mails.map(article).join("\n");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Karvon mailbox</title><style>${style}</style></head>
<body><h1>Mailbox</h1><p>Mail of this machine's Karvon. Nothing leaves it while SMTP_URL is not set.</p>${body}</body></html>`;
}
