/** The texts that people get. A code stands on a line of its own, so that people and programs find it. */
import type { Mail } from "./mailer.ts";

export function adminCodeMail(to: string, code: string, panelUrl: string): Mail {
  return {
    to,
    subject: "Your Karvon sign-in code",
    text: [
      "Somebody, hopefully you, wants to sign in to the Karvon admin panel.",
      "",
      `Code: ${code}`,
      "",
      "It works once, within 10 minutes, and only in the browser that asked for it.",
      "If that was not you, do nothing: without this mail nobody gets in.",
      "",
      panelUrl,
      "",
    ].join("\n"),
  };
}

export function confirmationMail(to: string, code: string, panelUrl: string): Mail {
  const link = `${panelUrl}/confirm?email=${encodeURIComponent(to)}&code=${code}`;
  return {
    to,
    subject: "Confirm your e-mail address for Karvon",
    text: [
      "Welcome to Karvon. Confirm your address with this code, in the browser where you signed up:",
      "",
      `Code: ${code}`,
      "",
      "Or open this link there:",
      link,
      "",
      "Both work for 60 minutes. If you did not sign up, do nothing.",
      "",
    ].join("\n"),
  };
}

export function alreadyKnownMail(to: string, panelUrl: string): Mail {
  return {
    to,
    subject: "You already have a Karvon account",
    text: [
      "Somebody tried to sign up at Karvon with your address. You have an account already; nothing has changed.",
      "",
      `Sign in here: ${panelUrl}/sign-in`,
      "",
    ].join("\n"),
  };
}

interface ReconcileNews {
  readonly kind: "broken" | "changed" | "healed";
  readonly at: Date;
  readonly checks: readonly {
    readonly check: string;
    readonly title: string;
    readonly badCount: number;
    readonly sample: readonly { readonly subject: string; readonly detail: string }[];
  }[];
}

const reconcileSubjects = {
  broken: "The books do not agree",
  changed: "The books do not agree: something else is wrong now",
  healed: "The books agree again",
} as const;

export function reconcileMail(to: string, news: ReconcileNews, panelUrl: string): Mail {
  const bad = news.checks.filter(({ badCount }) => badCount > 0);
  return {
    to,
    subject: `Karvon: ${reconcileSubjects[news.kind]}`,
    text: [
      `${reconcileSubjects[news.kind]}, said the reconciliation at ${news.at.toISOString()}.`,
      "",
      ...bad.flatMap(({ check, title, badCount, sample }) => [
        `${check} ${title}: ${badCount} wrong`,
        ...sample.map(({ subject, detail }) => `   ${subject}: ${detail}`),
        "",
      ]),
      ...(bad.length === 0 ? [] : ["What to do stands in docs/operations.md under Reconciliation.", ""]),
      `${panelUrl}/admin/reconciliation`,
      "",
    ].join("\n"),
  };
}
