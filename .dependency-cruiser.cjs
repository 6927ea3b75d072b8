// Who may import whom, through doors only (`@karvon/x` or a listed subpath). A name that is missing from a row is forbidden.
const may = {
  "packages/domain": [],
  "packages/telemetry": [],
  "packages/postgres": [],
  "packages/switchboard": [],
  "packages/settings": ["domain"],
  "packages/wire": ["domain"],
  "packages/tunnel": ["domain", "wire"],
  "packages/security": ["domain"],
  "packages/checker": ["domain"],
  "packages/billing": ["domain"],
  "packages/journal": ["billing"],
  "packages/db": ["domain", "billing"],
  "packages/payments": ["domain"],
  "packages/documents": ["domain"],
  "packages/services": ["domain", "wire", "security", "checker", "payments", "db", "telemetry"],
  "packages/api": ["domain", "services", "services/inputs", "telemetry"],
  "packages/testkit": [
    "domain",
    "wire",
    "tunnel",
    "security",
    "checker",
    "billing",
    "postgres",
    "settings",
    "db",
    "db/sql",
    "services",
    "services/inputs",
    "telemetry",
  ],
  "apps/proxy": ["domain", "wire", "tunnel", "security", "checker", "billing", "journal", "db/sql", "settings", "switchboard", "telemetry"],
  "apps/agent": ["domain", "wire", "tunnel", "security", "telemetry"],
  "apps/demo": ["domain", "agent", "settings", "telemetry"],
  "apps/web": ["domain", "api", "services", "services/inputs", "settings", "telemetry", "db", "payments", "documents"],
  "apps/launcher": ["domain", "postgres", "db", "services", "security", "settings", "switchboard", "telemetry"],
  "apps/cli": ["domain", "postgres", "billing", "journal", "db", "db/sql", "services", "services/inputs", "settings", "telemetry"],
};

const TEST = "(\\.(test|e2e|bench)\\.tsx?$|/(e2e|bench|test|testing)/)";
const apps = new Set(["agent"]);

const door = (name) => {
  const [unit, sub] = name.split("/");
  return `^${apps.has(unit) ? "apps" : "packages"}/${unit}/src/${sub ? `${sub}/` : ""}index\\.ts$`;
};

const layers = Object.entries(may).map(([from, names]) => ({
  name: `layer: ${from}`,
  comment: `${from} may import ${names.join(", ") || "no other workspace"}, each through its door`,
  severity: "error",
  from: { path: `^${from}/(src|bin)/`, pathNot: TEST },
  to: { path: "^(packages|apps)/", pathNot: [`^${from}/`, ...names.map(door)] },
}));

const ban = (name, from, to) => ({ name, severity: "error", from: { path: from, pathNot: TEST }, to });

module.exports = {
  forbidden: [
    ...layers,
    { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
    ban("pure: no node modules", "^packages/(domain|wire|billing)/src/", { dependencyTypes: ["core"] }),
    ban("pure: no npm packages", "^packages/(domain|wire|billing)/src/", {
      path: "node_modules/",
      pathNot: "node_modules/ipaddr\\.js/",
    }),
    ban("pure: ipaddr.js in domain only", "^packages/(wire|billing)/src/", { path: "node_modules/ipaddr\\.js/" }),
    ban("panels have no sockets", "^(apps/web/src/(?!server/)|packages/(api|services)/src/)", {
      path: "^(node:)?(net|tls|dgram|http2|cluster|worker_threads)$",
    }),
    ban(
      "data plane has no web framework",
      "^(apps/(proxy|agent|demo)/|packages/(domain|wire|tunnel|security|checker|billing|telemetry)/|packages/db/src/sql/)",
      {
        path: "node_modules/(next|next-auth|react|react-dom|@trpc|@prisma|prisma|@tanstack)/",
      },
    ),
    ban("data plane has no Prisma client", "^packages/db/src/sql/", { path: "^packages/db/src/(generated/|index\\.ts$)" }),
    ban("panels reach services only on the server", "^apps/web/src/(?!server/)", {
      path: "^packages/(services/src/index|db/src)",
      dependencyTypesNot: ["type-only"],
    }),
    {
      name: "testkit stays in tests",
      severity: "error",
      from: { pathNot: [TEST, "^packages/testkit/", "^scripts/", "vitest\\."] },
      to: { path: "^packages/testkit/" },
    },
    ban("declared dependencies only", "^(packages|apps)/[^/]+/src/", { dependencyTypes: ["npm-no-pkg", "npm-unknown", "unknown"] }),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    doNotFollow: { path: "(node_modules|/generated/)" },
    exclude: { path: "(\\.next|/dist)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".css"],
    },
  },
};
