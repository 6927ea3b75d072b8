"use client";
import type { ReactNode } from "react";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Pager } from "#ui/pager.tsx";
import { SkeletonRows } from "#ui/skeleton.tsx";
import { readFailure } from "./failure.ts";

export interface Query<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

interface LoadedProps<Data> {
  query: Query<Data>;
  /** What stands there until the first answer; rows of a table when left out. */
  loading?: ReactNode;
  children: (data: Data) => ReactNode;
}

/** The answer, or its skeleton, or why there is none. An answer that grew old stays under the failure's sentence. */
export function Loaded<Data>({ query, loading, children }: LoadedProps<Data>) {
  const hasFailed = query.error !== null && query.error !== undefined;
  return (
    <>
      {hasFailed ? <ErrorPanel className="m-3" failure={readFailure(query.error)} onRetry={() => void query.refetch()} /> : null}
      {query.data === undefined ? (hasFailed ? null : (loading ?? <SkeletonRows />)) : children(query.data)}
    </>
  );
}

interface PagedQuery<Item> {
  readonly data: { readonly pages: readonly { readonly items: readonly Item[] }[] } | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
}

interface LoadedPagesProps<Item> {
  query: PagedQuery<Item>;
  empty: ReactNode;
  children: (items: readonly Item[]) => ReactNode;
}

/** A paged list: its rows so far and a way to more, or what to say when there are none. */
export function LoadedPages<Item>({ query, empty, children }: LoadedPagesProps<Item>) {
  return (
    <Loaded query={query}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        if (items.length === 0) return empty;
        return (
          <>
            {children(items)}
            <Pager
              shown={items.length}
              hasMore={query.hasNextPage}
              busy={query.isFetchingNextPage}
              onMore={() => void query.fetchNextPage()}
            />
          </>
        );
      }}
    </Loaded>
  );
}
