"use client";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorPanel, type ShownFailure } from "./error-panel.tsx";
import { Form } from "./form.tsx";

interface FormDialogProps {
  title: string;
  description: ReactNode;
  onOpenChange: (open: boolean) => void;
  onSubmit: () => void;
  submitLabel: string;
  isBusy: boolean;
  failure: ShownFailure | null;
  children: ReactNode;
}

/** An open dialog with fields, what went wrong, and the two ways out. */
export function FormDialog({ title, description, onOpenChange, onSubmit, submitLabel, isBusy, failure, children }: FormDialogProps) {
  return (
    <Dialog open onOpenChange={onOpenChange} title={title} description={description}>
      <Form className="mt-4 space-y-4" onSubmit={onSubmit}>
        {children}
        {failure === null ? null : <ErrorPanel failure={failure} />}
        <div className="flex justify-end gap-2">
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" look="primary" busy={isBusy}>
            {submitLabel}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
