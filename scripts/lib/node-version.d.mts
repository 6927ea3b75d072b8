/** Null when this Node can run Karvon, otherwise the sentence that says what to install. */
export function explainNode(version: string): string | null;
