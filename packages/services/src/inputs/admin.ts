import { ReasonedIdInput } from "./common.ts";

export const SuspendUserInput = ReasonedIdInput("usr");
export const SuspendNodeInput = ReasonedIdInput("nod");
export const EndSessionInput = ReasonedIdInput("ses");
