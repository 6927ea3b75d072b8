/**
 * Names the runtime the way Node 22 does, for Node 20. Imported before anything else.
 *
 * Without a `navigator` pg finds out whether it runs at Cloudflare by making a `Response`, and the first `Response` of a
 * process loads all of fetch: 6 MB that the data plane never needs.
 */
export const runtimeName = `Node.js/${process.versions.node}`;

if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: { userAgent: runtimeName }, configurable: true });
