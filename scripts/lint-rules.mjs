// Rules of this repository that no ready-made linter has. oxlint loads this file as a plugin.

/** Calls `visit` with every node below `node`. */
function walk(node, visit) {
  if (node === null || typeof node !== "object") return;
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit);
    return;
  }
  if (typeof node.type !== "string") return;
  visit(node);
  for (const [key, value] of Object.entries(node)) if (key !== "parent") walk(value, visit);
}

function contains(node, test) {
  let isFound = false;
  walk(node, (inner) => {
    isFound ||= test(inner);
  });
  return isFound;
}

const isCallOf = (node, object, method) =>
  node.type === "CallExpression" &&
  node.callee.type === "MemberExpression" &&
  node.callee.property.name === method &&
  (object === null || node.callee.object.name === object);

/** A verb that writes leaves its audit row in the same transaction, and there is one way to open a transaction. */
const auditedTransaction = {
  create(context) {
    return {
      CallExpression(node) {
        if (
          node.callee.type === "Identifier" &&
          node.callee.name === "transact" &&
          !contains(node.arguments, (inner) => isCallOf(inner, null, "audit"))
        ) {
          context.report({ node, message: "This transaction leaves no audit row: call tx.audit(...) inside it." });
        }
        if (isCallOf(node, null, "$transaction")) {
          context.report({ node, message: "Open transactions with transact(ctx, ...), which brings the audit row and the notice." });
        }
      },
    };
  },
};

export default { meta: { name: "karvon" }, rules: { "audited-transaction": auditedTransaction } };
