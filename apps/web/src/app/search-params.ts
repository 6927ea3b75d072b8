export type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** The first value of one query parameter. */
export async function readParam(params: SearchParams, name: string): Promise<string | null> {
  const value = (await params)[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
