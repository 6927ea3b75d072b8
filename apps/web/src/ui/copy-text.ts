/** Puts `text` on the clipboard. Rejects where the browser allows neither way. */
export async function copyText(text: string): Promise<void> {
  // On plain-http addresses other than loopback a page has no clipboard object; the old command still works there.
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("the browser does not allow copying");
}
