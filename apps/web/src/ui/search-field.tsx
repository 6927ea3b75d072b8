"use client";
import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { cn } from "./cn.ts";
import { controlClasses } from "./field.tsx";

const settleMs = 300;

interface SearchFieldProps {
  /** The accessible name and the placeholder. */
  label: string;
  onSearch: (text: string) => void;
  /** What stands there at first. */
  initial?: string;
  className?: string;
}

/** Asks when typing rests for 300 ms, not at every key. */
export function SearchField({ label, onSearch, initial = "", className }: SearchFieldProps) {
  const [text, setText] = useState(initial);
  useEffect(() => {
    const timer = setTimeout(() => onSearch(text.trim()), settleMs);
    return () => clearTimeout(timer);
  }, [text, onSearch]);
  return (
    <div className={cn("relative min-w-0 basis-full sm:max-w-xs sm:flex-1 sm:basis-auto", className)}>
      <Search aria-hidden="true" className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-faint" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className={cn(controlClasses, "h-8 pl-8 text-sm")}
      />
    </div>
  );
}
