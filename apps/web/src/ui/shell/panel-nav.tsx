"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cn } from "../cn.ts";
import { currentHref, navigation, type PanelRole } from "./nav-items.ts";

/** A panel's pages in groups. `onGo` lets the phone's sheet close itself. */
export function PanelNav({ role, onGo }: { role: PanelRole; onGo?: () => void }) {
  const current = currentHref(role, usePathname());
  return (
    <nav aria-label="Panel" className="flex-1 space-y-5 overflow-y-auto px-3 py-4">
      {navigation[role].map((group) => (
        <div key={group.name}>
          <p className="px-2.5 pb-1 text-2xs font-medium tracking-wide text-faint uppercase">{group.name}</p>
          <ul className="space-y-px">
            {group.items.map((item) => {
              const isCurrent = item.href === current;
              const Icon = item.icon;
              return (
                <li key={item.href}>
                  <Link
                    href={item.href}
                    {...(onGo === undefined ? {} : { onClick: onGo })}
                    aria-current={isCurrent ? "page" : undefined}
                    className={cn(
                      "group flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-base text-soft hover:bg-sunken hover:text-ink max-lg:py-2",
                      isCurrent && "bg-accent-wash font-medium text-ink",
                    )}
                  >
                    <Icon aria-hidden="true" className={cn("size-4 text-faint", isCurrent && "text-accent")} />
                    {item.name}
                  </Link>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </nav>
  );
}
