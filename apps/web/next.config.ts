import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

export default {
  // `npm run check` does it for the whole tree in a second.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  reactStrictMode: true,
  transpilePackages: ["@karvon/domain", "@karvon/services", "@karvon/api"],
  turbopack: { root: fileURLToPath(new URL("../..", import.meta.url)) },
} satisfies NextConfig;
