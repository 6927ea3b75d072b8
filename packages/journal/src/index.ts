export { type DeadJournal, readDeadJournals, readOrphanJournals, removeJournal } from "./directory.ts";
export type { JournalEntry } from "./entry.ts";
export { type Journal, openJournal } from "./journal.ts";
