/**
 * Mail over SMTP.
 *
 * Recipients go as an address object, not as text to be parsed, and only in the platform's strict grammar: no
 * quotes, commas or angle brackets, so one address is never two. Limits: 10 s to connect and to greet, 20 s of
 * silence, 2 connections, 500 mails on each.
 */
import { invariant } from "@karvon/domain";
import { createTransport } from "nodemailer";
import { Email } from "../inputs/common.ts";
import type { Mail, Mailer } from "./mailer.ts";

const sender = { name: "Karvon", address: "no-reply@karvon.local" };

export function openSmtpMailer(smtpUrl: string): Mailer {
  const url = new URL(smtpUrl);
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (url.protocol === "smtps:" ? 465 : 587) : Number(url.port),
    secure: url.protocol === "smtps:",
    ...(url.username === "" ? {} : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    // STARTTLS is used whenever the server offers it; only a mail server on this machine may have a certificate of its own making.
    tls: { rejectUnauthorized: !isLoopback(url.hostname) },
    pool: true,
    maxConnections: 2,
    maxMessages: 500,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail: Mail) {
      invariant(Email.safeParse(mail.to).data === mail.to, "mail goes to stored addresses only");
      await transport.sendMail({ from: sender, to: { name: "", address: mail.to }, subject: mail.subject, text: mail.text });
    },
    async close() {
      transport.close();
      return Promise.resolve();
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}
