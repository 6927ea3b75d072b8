import { cn } from "./cn.ts";
import { CopyButton } from "./copy-button.tsx";

interface ShortIdProps {
  /** What the id names: "session id". */
  name: string;
  id: string;
  className?: string;
}

/** The end of an id, which tells two of them apart, with the whole of it to copy. */
export function ShortId({ name, id, className }: ShortIdProps) {
  return (
    <span className={cn("inline-flex items-center gap-0.5 font-mono text-xs whitespace-nowrap text-faint", className)}>
      <span title={id}>…{id.slice(-6)}</span>
      <CopyButton text={id} label={`Copy ${name} ${id}`} className="size-6 [&_svg]:size-3.5" />
    </span>
  );
}
