import { Plus } from "lucide-react";
import Link from "next/link";
import { Button } from "#ui/button.tsx";

export function AddNodeButton() {
  return (
    <Button asChild look="primary">
      <Link href="/operator/nodes/add">
        <Plus aria-hidden="true" />
        Add a node
      </Link>
    </Button>
  );
}
