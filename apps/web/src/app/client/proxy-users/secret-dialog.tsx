"use client";
import Link from "next/link";
import { Button } from "#ui/button.tsx";
import { CodeLine } from "#ui/code-line.tsx";
import { Dialog } from "#ui/dialog.tsx";
import { Notice } from "#ui/notice.tsx";

export interface ShownSecret {
  readonly username: string;
  readonly password: string;
}

/** The only moment in which a proxy password can be read. */
export function SecretDialog({ secret, onClose }: { secret: ShownSecret; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Copy the password now"
      description="It is shown once. Only its hash is kept; a lost password is replaced by rotating."
    >
      <div className="mt-4 space-y-3">
        <CodeLine name="Username" code={secret.username} testId="secret-username" />
        <CodeLine name="Password" code={secret.password} testId="secret-password" />
        <Notice>The endpoint page writes whole lines with this password until you leave or reload this tab.</Notice>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Done</Button>
          <Button asChild look="primary">
            <Link href={`/client/endpoint?user=${secret.username}`}>Get the endpoint line</Link>
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
