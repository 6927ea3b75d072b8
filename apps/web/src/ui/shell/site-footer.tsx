import { cn } from "../cn.ts";

/** On every page. The attribution is what DB-IP's licence (CC BY 4.0) asks for wherever its data is shown. */
export function SiteFooter({ className }: { className?: string }) {
  return (
    <footer className={cn("flex flex-wrap justify-between gap-x-6 gap-y-1 py-5 text-xs text-faint", className)}>
      <span>Karvon carries traffic only over devices whose owners agreed to it.</span>
      <a href="https://db-ip.com" rel="noreferrer" className="underline decoration-line-strong underline-offset-2 hover:text-ink">
        IP geolocation by DB-IP
      </a>
    </footer>
  );
}
