import { Badge, type Tone } from "#ui/badge.tsx";

interface NodeFacts {
  readonly status: string;
  readonly statusReason: string | null;
  readonly state: string;
  readonly stateReason: string | null;
}

const states: Readonly<Record<string, { tone: Tone; text: string; title: string }>> = {
  serving: { tone: "good", text: "serving", title: "Carries traffic now." },
  idle: { tone: "info", text: "healthy, no demand", title: "Online and ready; nobody asks for it now." },
  limited: { tone: "warn", text: "limited", title: "Online, but a limit of its owner keeps it from taking traffic." },
  draining: { tone: "warn", text: "draining", title: "Finishes what is open and takes nothing new." },
  offline: { tone: "neutral", text: "offline", title: "No tunnel is open." },
};

const unknownState: { tone: Tone; text: string; title: string } = { tone: "neutral", text: "unknown", title: "" };

/** What a node does now, and why. An administrative state (paused, suspended, retired) comes before the live one. */
export function NodeState({ node }: { node: NodeFacts }) {
  const reason = node.status === "active" ? node.stateReason : node.statusReason;
  return (
    <span className="block min-w-0">
      <StateBadge node={node} />
      {reason === null || reason === "" ? null : (
        <span className="mt-0.5 block max-w-56 text-xs break-words text-faint">{reason.replaceAll("_", " ")}</span>
      )}
    </span>
  );
}

function StateBadge({ node }: { node: NodeFacts }) {
  if (node.status !== "active") return <Badge tone={node.status === "suspended" ? "bad" : "warn"}>{node.status}</Badge>;
  const state = states[node.state] ?? unknownState;
  return (
    <Badge tone={state.tone} dot title={state.title}>
      {state.text}
    </Badge>
  );
}
