"use client";
import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { Button } from "./button.tsx";
import { type Theme, themeCookie } from "./theme.ts";

const yearSeconds = 31_536_000;

const looks = {
  system: { icon: Monitor, name: "System theme", next: "light" },
  light: { icon: Sun, name: "Light theme", next: "dark" },
  dark: { icon: Moon, name: "Dark theme", next: "system" },
} as const;

/** Goes round system, light and dark, and keeps the choice for a year. */
export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const { icon: Icon, name, next } = looks[theme];
  const choose = () => {
    if (next === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = next;
    document.cookie = `${themeCookie}=${next}; path=/; max-age=${yearSeconds}; samesite=lax`;
    setTheme(next);
  };
  return (
    <Button look="quiet" size="icon" onClick={choose} aria-label={`${name}; switch to ${looks[next].name.toLowerCase()}`} title={name}>
      <Icon aria-hidden="true" />
    </Button>
  );
}
