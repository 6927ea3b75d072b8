import { Globe } from "lucide-react";
import type { Endpoint } from "#trpc/types.ts";
import { Card } from "#ui/card.tsx";
import { CountryCode } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { countryName } from "#ui/format-time.ts";
import { formatCount, formatCountOf } from "#ui/format.ts";

type Row = Endpoint["countries"][number];

const columns: Column<Row>[] = [
  {
    name: "Country",
    role: "lead",
    cell: (row) => (
      <span className="inline-flex items-center gap-2">
        <CountryCode code={row.country} />
        {countryName(row.country)}
      </span>
    ),
  },
  { name: "Nodes", align: "right", cell: (row) => formatCount(row.nodes) },
  { name: "Mobile", align: "right", cell: (row) => formatCount(row.byType.mobile) },
  { name: "Wi-Fi", align: "right", cell: (row) => formatCount(row.byType.wifi) },
  { name: "Residential", align: "right", cell: (row) => formatCount(row.byType.residential) },
];

/** Where nodes are online now. */
export function Coverage({ endpoint }: { endpoint: Endpoint }) {
  const rows = endpoint.countries.toSorted((left, right) => right.nodes - left.nodes || left.country.localeCompare(right.country));
  return (
    <Card
      flush
      title="Online now"
      description={`${formatCountOf(endpoint.total, "node")} in ${formatCount(rows.length)} ${rows.length === 1 ? "country" : "countries"}, as the gateways see them. Programs ask GET /v1/availability.`}
    >
      {rows.length === 0 ? (
        <EmptyState icon={Globe} title="No node is online">
          Requests are refused with no_exit, and cost nothing, until a node comes online.
        </EmptyState>
      ) : (
        <DataTable isCompact label="Coverage" columns={columns} rows={rows} rowKey={(row) => row.country} />
      )}
    </Card>
  );
}
