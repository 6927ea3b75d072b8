/**
 * The typeface of documents: Noto Sans (SIL Open Font License 1.1), which has the Latin and Cyrillic letters of Uzbek.
 * PDF's own fonts have neither Cyrillic nor the turned comma of oʻ and gʻ.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export interface Fonts {
  readonly regular: Buffer;
  readonly bold: Buffer;
}

let loaded: Fonts | null = null;

/** Read once a process: 1.2 MB. */
export function loadFonts(): Fonts {
  const require = createRequire(import.meta.url);
  loaded ??= {
    regular: readFileSync(require.resolve("@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf")),
    bold: readFileSync(require.resolve("@expo-google-fonts/noto-sans/700Bold/NotoSans_700Bold.ttf")),
  };
  return loaded;
}
