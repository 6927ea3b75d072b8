import { cn } from "./cn.ts";
import { CopyButton } from "./copy-button.tsx";

interface CodeLineProps {
  /** What the line is: "Endpoint line". The copy button is "Copy <name>". */
  name: string;
  code: string;
  testId?: string;
  className?: string;
}

/** One thing to copy, in full and wrapped, never cut off. */
export function CodeLine({ name, code, testId, className }: CodeLineProps) {
  return (
    <div className={cn("min-w-0", className)}>
      <p className="mb-1 text-sm font-medium text-soft">{name}</p>
      <div className="flex items-start gap-1 rounded-md border bg-sunken py-1.5 pr-1.5 pl-3">
        <code data-testid={testId} className="min-w-0 flex-1 py-0.5 font-mono text-sm break-all whitespace-pre-wrap">
          {code}
        </code>
        <CopyButton text={code} label={`Copy ${name.toLowerCase()}`} />
      </div>
    </div>
  );
}
