import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";

const looks = {
  info: { icon: Info, classes: "border-info/30 bg-info-wash", ink: "text-info" },
  good: { icon: CircleCheck, classes: "border-good/30 bg-good-wash", ink: "text-good" },
  warn: { icon: TriangleAlert, classes: "border-warn/30 bg-warn-wash", ink: "text-warn" },
  bad: { icon: CircleAlert, classes: "border-bad/30 bg-bad-wash", ink: "text-bad" },
} as const;

interface NoticeProps {
  tone?: keyof typeof looks;
  title?: string;
  aside?: ReactNode;
  className?: string;
  children?: ReactNode;
}

/** A sentence that stays on the page. A bad one is announced at once by screen readers. */
export function Notice({ tone = "info", title, aside, className, children }: NoticeProps) {
  const { icon: Icon, classes, ink } = looks[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={cn("flex items-start gap-3 rounded-md border px-3.5 py-2.5 text-sm", classes, className)}
    >
      <Icon aria-hidden="true" className={cn("mt-0.5 size-4 shrink-0", ink)} />
      <div className="min-w-0 flex-1 text-ink">
        {title === undefined ? null : <p className="font-medium">{title}</p>}
        {children === undefined ? null : <div className="text-soft">{children}</div>}
      </div>
      {aside}
    </div>
  );
}
