export { leaderOf, type MemberFacts, readFromMember, readToMember, type FromMember, type ToMember, type Welcome } from "./frames.ts";
export { createSwitchboard, type Seat, type SeatOptions, type Switchboard } from "./switchboard.ts";
