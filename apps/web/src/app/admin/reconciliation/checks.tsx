import type { ReconciliationCheck } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Card } from "#ui/card.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { formatCount } from "#ui/format.ts";
import { TextLink } from "#ui/text-link.tsx";

/** The checks of the last run, each with the first of what it found wrong. */
export function Checks({ checks }: { checks: readonly ReconciliationCheck[] }) {
  const badCount = checks.filter((check) => check.badCount > 0).length;
  return (
    <Card
      flush
      title="Checks"
      description={
        badCount === 0 ? `All ${formatCount(checks.length)} pass.` : `${formatCount(badCount)} of ${formatCount(checks.length)} fail.`
      }
    >
      <DataTable label="Checks" columns={columns} rows={checks} rowKey={(check) => check.check} />
    </Card>
  );
}

const columns: Column<ReconciliationCheck>[] = [
  {
    name: "Check",
    role: "lead",
    cell: (check) => (
      <span>
        <span className="mr-2 font-mono text-xs text-faint">{check.check}</span>
        {check.title}
      </span>
    ),
  },
  {
    name: "Result",
    cell: (check) =>
      check.badCount === 0 ? <Badge tone="good">passes</Badge> : <Badge tone="bad">{formatCount(check.badCount)} wrong</Badge>,
  },
  { name: "First wrong rows", role: "wide", cell: (check) => <Sample check={check} /> },
];

function Sample({ check }: { check: ReconciliationCheck }) {
  if (check.badCount === 0) return <span className="text-faint">none</span>;
  return (
    <ul className="max-w-2xl space-y-1 text-xs">
      {check.sample.map(({ subject, detail, link }) => (
        <li key={`${subject} ${detail}`} className="break-words">
          {link === null ? (
            <span className="font-medium">{subject}</span>
          ) : (
            <TextLink href={`/admin/${link.list}?search=${encodeURIComponent(link.search)}`}>{subject}</TextLink>
          )}
          <span className="block text-soft">{detail}</span>
        </li>
      ))}
    </ul>
  );
}
