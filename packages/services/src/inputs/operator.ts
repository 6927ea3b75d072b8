import { z } from "zod";
import { idOf, Label, OptionalReason } from "./common.ts";

export const PauseNodeInput = z.strictObject({ id: idOf("nod"), reason: OptionalReason });
export type PauseNodeInput = z.infer<typeof PauseNodeInput>;

export const NodeIdInput = z.strictObject({ id: idOf("nod") });
export type NodeIdInput = z.infer<typeof NodeIdInput>;

export const CreateEnrolmentInput = z.strictObject({ label: Label.optional() });
export type CreateEnrolmentInput = z.infer<typeof CreateEnrolmentInput>;
