import type { ReactNode } from "react";
import { cn } from "./cn.ts";

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Figures stand at the right, so that digits line up. */
  readonly align?: "right";
  /** On a phone's card: `lead` heads it, `wide` takes a whole line, `actions` stands under it. */
  readonly role?: "lead" | "wide" | "actions";
  /** From which width the column is shown in the table; on a phone the card always shows it. */
  readonly from?: "lg" | "xl" | "2xl";
}

interface DataTableProps<Row> {
  /** The table's accessible name. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Few and short columns stay a table on a phone too. */
  isCompact?: boolean;
}

const hidden = { lg: "md:max-lg:hidden", xl: "md:max-xl:hidden", "2xl": "md:max-2xl:hidden" } as const;

/** Rows as a dense table, or as cards below 768 px. The roles are written out because CSS takes them away there. */
export function DataTable<Row>({ label, columns, rows, rowKey, isCompact = false }: DataTableProps<Row>) {
  return (
    <div
      className="relative overflow-x-auto"
      {...(isCompact ? { tabIndex: 0, role: "group", "aria-label": `${label}, scrolls sideways` } : {})}
    >
      <table role="table" aria-label={label} className={cn("w-full text-sm", !isCompact && "k-table")}>
        <thead role="rowgroup">
          <tr role="row" className="border-b">
            {columns.map((column) => (
              <th
                key={column.name}
                role="columnheader"
                scope="col"
                className={cn(
                  "px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-faint first:pl-5 last:pr-5",
                  isCompact && "max-md:px-1.5 max-md:first:pl-4 max-md:last:pr-4",
                  column.align === "right" && "text-right",
                  column.from !== undefined && hidden[column.from],
                )}
              >
                {column.role === "actions" ? <span className="sr-only">{column.name}</span> : column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className={cn("tabular-nums md:[&>tr+tr]:border-t", isCompact && "[&>tr+tr]:border-t")}>
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row" className="md:hover:bg-sunken/60">
              {columns.map((column) => (
                <td
                  key={column.name}
                  role="cell"
                  data-label={column.name}
                  data-role={column.role}
                  className={cn(
                    "min-w-0 align-middle",
                    isCompact && "px-1.5 py-2.5 first:pl-4 last:pr-4",
                    "md:px-3 md:py-2.5 md:first:pl-5 md:last:pr-5",
                    column.align === "right" && (isCompact ? "text-right" : "md:text-right"),
                    column.from !== undefined && hidden[column.from],
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
