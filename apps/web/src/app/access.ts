/** Who may see a page. Every page asks here itself: a layout is not run again on each navigation. */
import { redirect } from "next/navigation";
import { getViewer } from "#server/viewer.ts";
import type { PanelRole } from "#ui/shell/nav-items.ts";

/** The signed-in viewer of that role; anybody else is sent to a sign-in page or to the panel that is theirs. */
export async function requireViewer(role: PanelRole) {
  const viewer = await getViewer();
  if (viewer === null) redirect(role === "admin" ? "/admin/sign-in" : "/sign-in");
  if (viewer.role !== role) redirect(`/${viewer.role}`);
  return viewer;
}

/** For sign-in pages: who is signed in already goes on to the panel. */
export async function leaveWhenSignedIn(): Promise<void> {
  const viewer = await getViewer();
  if (viewer !== null) redirect(`/${viewer.role}`);
}
