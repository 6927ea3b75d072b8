/** Where an admin sees what a fault is about: the panel's list and what to search there. */
import type { Database } from "../database.ts";
import type { FaultLink, ReconcileCheck } from "../views.ts";

interface OwnerRow {
  readonly subject: string;
  readonly email: string;
}

/** Subjects are "account 12", "client cli_…", "operator opr_…", "session ses_…", "node nod_…, …"; others lead nowhere. */
export async function linkSubjects(database: Database, checks: readonly ReconcileCheck[]): Promise<ReadonlyMap<string, FaultLink>> {
  const links = new Map<string, FaultLink>();
  const owned: string[] = [];
  for (const { subject } of checks.flatMap((check) => check.sample)) {
    const [kind, id = ""] = (subject.split(",")[0] ?? "").split(" ");
    if (kind === "session") links.set(subject, { list: "sessions", search: id });
    else if (kind === "node") links.set(subject, { list: "nodes", search: id });
    else if (kind === "account" || kind === "client" || kind === "operator") owned.push(subject);
  }
  if (owned.length === 0) return links;
  const rows = await database.$queryRaw<OwnerRow[]>`
    select s.subject, coalesce(cu.email, ou.email) as email
      from unnest(${owned}::text[]) as s (subject)
      left join ledger_account a on s.subject = 'account ' || a.id
      cross join lateral (select coalesce(a.owner_id, split_part(s.subject, ' ', 2)) as id) as o
      left join client c on c.id = o.id left join user_account cu on cu.id = c.user_id
      left join operator p on p.id = o.id left join user_account ou on ou.id = p.user_id
     where coalesce(cu.email, ou.email) is not null`;
  for (const { subject, email } of rows) links.set(subject, { list: "users", search: email });
  return links;
}
