"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { ClientSession } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { Bytes, Named, None, Place, Target, Usd } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { controlClasses } from "#ui/field.tsx";
import { countryName } from "#ui/format-time.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { Length, Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { cn } from "#ui/cn.ts";
import { protocolName } from "../../protocol-name.ts";
import { NoSession, SessionState, type StatusFilter, StatusFilterBar } from "../../session-cells.tsx";

const refreshMs = 2_000;

export const clientSessionColumns: Column<ClientSession>[] = [
  { name: "Target", role: "lead", cell: (row) => <Target host={row.targetHost} port={row.targetPort} /> },
  { name: "State", cell: (row) => <SessionState closedAt={row.closedAt} closeReason={row.closeReason} /> },
  { name: "Proxy user", from: "lg", cell: (row) => <Named name={row.proxyUsername} note={protocolName(row.protocol)} /> },
  { name: "Exit", cell: (row) => <Exit row={row} /> },
  { name: "Opened", cell: (row) => <Moment at={row.openedAt} /> },
  { name: "Length", align: "right", from: "xl", cell: (row) => <Length from={row.openedAt} to={row.closedAt} /> },
  { name: "Down", align: "right", cell: (row) => <Bytes amount={row.downBytes} /> },
  { name: "Up", align: "right", cell: (row) => <Bytes amount={row.upBytes} /> },
  { name: "Cost", align: "right", cell: (row) => <Usd isExact amount={row.dueMicroUsd} /> },
  { name: "Receipt", role: "actions", align: "right", cell: (row) => <TextLink href={`/client/sessions/${row.id}`}>Receipt</TextLink> },
];

export function ClientSessions() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const [status, setStatus] = useState<StatusFilter>("all");
  const [country, setCountry] = useState("");
  const [search, setSearch] = useState("");
  const filters = { status, ...(country === "" ? {} : { country }), ...(search === "" ? {} : { search }) };
  const sessions = usePages({
    queryKey: trpc.client.sessions.infiniteQueryKey(filters),
    fetchPage: (page, options) => client.client.sessions.query({ ...filters, ...page }, options),
    refreshMs,
  });
  const isFiltered = status !== "all" || country !== "" || search !== "";
  return (
    <>
      <PageHeader
        title="Sessions"
        description="One row for each connection that was carried, renewed every two seconds. Bytes are charged as they move."
      />
      <Card flush>
        <Toolbar>
          <StatusFilterBar value={status} onValue={setStatus} />
          <CountryFilter value={country} onValue={setCountry} />
          <SearchField label="Search target, address or id" onSearch={setSearch} />
        </Toolbar>
        <LoadedPages
          query={sessions}
          empty={
            <NoSession
              isFiltered={isFiltered}
              action={
                <Button asChild look="primary">
                  <Link href="/client/endpoint">Get an endpoint line</Link>
                </Button>
              }
            >
              Send a request through the endpoint; it appears here within seconds. What was not carried stands under Refusals.
            </NoSession>
          }
        >
          {(rows) => <DataTable label="Sessions" columns={clientSessionColumns} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
    </>
  );
}

function CountryFilter({ value, onValue }: { value: string; onValue: (country: string) => void }) {
  const trpc = useTRPC();
  const endpoint = useQuery(trpc.client.endpoint.queryOptions());
  const countries = endpoint.data?.countries.map((row) => row.country) ?? [];
  return (
    <select
      aria-label="Exit country"
      value={value}
      onChange={(event) => onValue(event.target.value)}
      className={cn(controlClasses, "k-select h-8 w-auto max-w-44 appearance-none pr-8 text-sm")}
    >
      <option value="">All countries</option>
      {countries.map((country) => (
        <option key={country} value={country}>
          {countryName(country)}
        </option>
      ))}
    </select>
  );
}

function Exit({ row }: { row: ClientSession }) {
  const { exitAddress, exitCountry, exitCity, connectionType } = row;
  const note = [exitCountry === null ? null : exitAddress, connectionType].filter((word) => word !== null).join(" · ");
  return (
    <span className="block min-w-0">
      {exitCountry === null ? (exitAddress ?? <None />) : <Place country={exitCountry} city={exitCity} />}
      {note === "" ? null : <span className="block text-xs break-words text-faint">{note}</span>}
    </span>
  );
}
