/** Lower case, without accents, spaces, underscores, plus signs, dots, hyphens and apostrophes; a leading `us_` is dropped. */
export function placeSlug(name: string): string {
  return name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/^us_/, "")
    .replace(/[\u0300-\u036f\s_+.'\u2018\u2019\u02bb-]/g, "");
}
