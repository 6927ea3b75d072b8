"use client";
import { useState, type ReactNode } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorPanel, type ShownFailure } from "./error-panel.tsx";
import { TextField } from "./field.tsx";

interface ConfirmDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  confirmLabel: string;
  /** Where "Cancel" could be taken for what is confirmed. */
  dismissLabel?: string;
  isDanger?: boolean;
  /** Asks for a reason; the confirm button waits for one unless it is optional. */
  reason?: "required" | "optional";
  busy: boolean;
  failure: ShownFailure | null;
  onConfirm: (reason: string) => void;
}

/** Asks before something that others will notice, and says what exactly will happen. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const [reason, setReason] = useState("");
  const mayConfirm = props.reason !== "required" || reason.trim().length >= 3;
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange} title={props.title} description={props.description}>
      <form
        className="mt-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (mayConfirm) props.onConfirm(reason.trim());
        }}
      >
        {props.reason === undefined ? null : (
          <TextField
            label={props.reason === "required" ? "Reason" : "Reason (optional)"}
            hint={props.reason === "required" ? "Kept in the audit log. Three characters at least." : "Shown beside the node."}
            value={reason}
            onValue={setReason}
            maxLength={200}
            autoFocus
          />
        )}
        {props.failure === null ? null : <ErrorPanel className="mt-3" failure={props.failure} />}
        <div className="mt-5 flex justify-end gap-2">
          <Button onClick={() => props.onOpenChange(false)}>{props.dismissLabel ?? "Cancel"}</Button>
          <Button type="submit" look={props.isDanger === true ? "danger" : "primary"} busy={props.busy} disabled={!mayConfirm}>
            {props.confirmLabel}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
