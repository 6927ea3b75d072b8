export type Theme = "system" | "light" | "dark";

/** The cookie that keeps the choice; the server reads it, so a page never flashes in the other theme. */
export const themeCookie = "karvon-theme";

export function readTheme(text: string | undefined): Theme {
  return text === "light" || text === "dark" ? text : "system";
}
