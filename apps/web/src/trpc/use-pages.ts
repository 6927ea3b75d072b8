"use client";
import { keepPreviousData, useInfiniteQuery, type QueryKey } from "@tanstack/react-query";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

interface PagesOptions<Item> {
  /** The procedure's own key, so that its invalidation finds the pages. */
  readonly queryKey: QueryKey;
  readonly fetchPage: (input: { cursor?: string }, options: { signal: AbortSignal }) => Promise<Page<Item>>;
  /** Loads all pages that are shown again, this often. */
  readonly refreshMs?: number;
}

const noCursor: string | null = null;

/**
 * A list that grows page by page. tRPC's own infinite query adds a `direction` to the input, which our strict inputs
 * refuse; this sends the cursor only. While a new filter loads, the rows of the old one stay.
 */
export function usePages<Item>({ queryKey, fetchPage, refreshMs }: PagesOptions<Item>) {
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam === null ? {} : { cursor: pageParam }, { signal }),
    initialPageParam: noCursor,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    ...(refreshMs === undefined ? {} : { refetchInterval: refreshMs }),
  });
}
