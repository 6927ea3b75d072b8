import { Check } from "lucide-react";
import Link from "next/link";
import { Button } from "#ui/button.tsx";
import { cn } from "#ui/cn.ts";

interface Steps {
  readonly emailConfirmed: boolean;
  readonly hasTraffic: boolean;
  readonly hasProxyUser: boolean;
  readonly hasFirstRequest: boolean;
}

const words = [
  { key: "emailConfirmed", title: "Confirm your e-mail", text: "Done when you signed up.", href: "/confirm", action: "Confirm" },
  { key: "hasTraffic", title: "Buy traffic", text: "1 GB is enough to begin with.", href: "/client/buy", action: "Buy traffic" },
  {
    key: "hasProxyUser",
    title: "Create a proxy user",
    text: "Its name and password go into your program.",
    href: "/client/proxy-users",
    action: "Create",
  },
  {
    key: "hasFirstRequest",
    title: "Send the first request",
    text: "Copy the curl line and run it.",
    href: "/client/endpoint",
    action: "Copy the line",
  },
] as const;

/** The way to the first request. It goes away when all four steps are done. */
export function Checklist({ steps }: { steps: Steps }) {
  const next = words.find((word) => !steps[word.key]);
  if (next === undefined) return null;
  return (
    <section aria-label="First steps" className="rounded-lg border border-accent/35 bg-surface">
      <h2 className="px-4 pt-3.5 text-base font-semibold sm:px-5">Your first request in four steps</h2>
      <ol className="grid sm:grid-cols-2 xl:grid-cols-4">
        {words.map((word, index) => {
          const isDone = steps[word.key];
          return (
            <li key={word.key} className="flex gap-3 px-4 py-3.5 sm:px-5">
              <span
                className={cn(
                  "flex size-6 shrink-0 items-center justify-center rounded-full text-xs font-semibold tabular-nums",
                  isDone ? "bg-good-wash text-good" : word === next ? "bg-accent-wash text-accent" : "bg-sunken text-faint",
                )}
              >
                {isDone ? <Check aria-hidden="true" className="size-3.5" /> : index + 1}
              </span>
              <div className="min-w-0">
                <p className={cn("font-medium", isDone && "text-faint line-through decoration-line-strong")}>
                  {word.title}
                  {isDone ? <span className="sr-only"> (done)</span> : null}
                </p>
                {isDone ? null : <p className="text-sm text-soft">{word.text}</p>}
                {word === next ? (
                  <Button asChild size="sm" look="primary" className="mt-2">
                    <Link href={word.href}>{word.action}</Link>
                  </Button>
                ) : null}
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
