// Old syntax on purpose: it must run on the Node versions that it refuses.
/** Null when this Node can run Karvon, otherwise the sentence that says what to install. */
export function explainNode(version) {
  var parts = version.split(".").map(Number);
  var major = parts[0];
  var minor = parts[1];
  var isFine = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (isFine) return null;
  return (
    "Karvon needs Node 20.19 or newer, or 22.12 or newer, and this is Node " +
    version +
    "; install a newer one from nodejs.org and start again."
  );
}
