import { type GoAwayName, goAwayReasons, rstCodes, type RstName } from "./types.ts";

const rstNames = new Map<number, RstName>();
for (const name of keysOf(rstCodes)) rstNames.set(rstCodes[name], name);
const goAwayNames = new Map<number, GoAwayName>();
for (const name of keysOf(goAwayReasons)) goAwayNames.set(goAwayReasons[name], name);

/** The name of a code on the wire; an unknown one is a plain cancellation. */
export function rstName(code: number): RstName {
  return rstNames.get(code) ?? "cancelled";
}

/** The name of a reason on the wire; an unknown one is a plain shutdown. */
export function goAwayName(reason: number): GoAwayName {
  return goAwayNames.get(reason) ?? "shutdown";
}

/** Object.keys with the type that a literal table has. Only for tables without further keys. */
function keysOf<Table extends Record<string, number>>(table: Table): (keyof Table)[] {
  return Object.keys(table);
}
