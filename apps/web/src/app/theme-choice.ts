import { cookies } from "next/headers";
import { readTheme, themeCookie, type Theme } from "#ui/theme.ts";

/** The theme that this browser asked for. */
export async function findTheme(): Promise<Theme> {
  const jar = await cookies();
  return readTheme(jar.get(themeCookie)?.value);
}
