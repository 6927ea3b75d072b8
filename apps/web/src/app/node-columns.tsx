import type { Node } from "#trpc/types.ts";
import { Battery, Bytes, Named, Network, None, Place, Usd } from "#ui/cells.tsx";
import type { Column } from "#ui/data-table.tsx";
import { formatBytes } from "#ui/format.ts";
import { Meter } from "#ui/meter.tsx";
import { Ago } from "#ui/time-cells.tsx";
import { NodeState } from "./node-state.tsx";

/** The columns that operators and administrators share. */
export const nodeColumns: readonly Column<Node>[] = [
  { name: "Node", role: "lead", cell: (node) => <NodeName node={node} /> },
  { name: "State", cell: (node) => <NodeState node={node} /> },
  { name: "Battery", cell: (node) => <Battery percent={node.batteryPercent} isCharging={node.isCharging} /> },
  { name: "Network", cell: (node) => <NetworkCell node={node} /> },
  { name: "Place", cell: (node) => <PlaceCell node={node} /> },
  { name: "Today", cell: (node) => <Today node={node} /> },
  { name: "Earned today", align: "right", from: "lg", cell: (node) => <Usd isExact amount={node.earnedTodayMicroUsd} /> },
  { name: "Last seen", from: "2xl", cell: (node) => (node.lastSeenAt === null ? <None /> : <Ago at={node.lastSeenAt} />) },
];

function NodeName({ node }: { node: Node }) {
  return (
    <span className="block md:min-w-40" title={`${node.model}, ${node.platform}, agent ${node.agentVersion}`}>
      <Named name={node.label} note={node.model} isDemo={node.isDemo} />
    </span>
  );
}

function NetworkCell({ node }: { node: Node }) {
  return (
    <span className="block">
      <Network kind={node.network} />
      {node.rttMs === null ? null : <span className="block text-xs text-faint">{node.rttMs} ms</span>}
    </span>
  );
}

function PlaceCell({ node }: { node: Node }) {
  const { publicAddress, asnName, country, city } = node;
  if (country === null)
    return publicAddress === null ? <None /> : <span title="The place of this address is not known">{publicAddress}</span>;
  const note = [publicAddress, asnName].filter((word) => word !== null).join(" · ");
  return (
    <span className="block min-w-0">
      <Place country={country} city={city} />
      {note === "" ? null : (
        <span className="block max-w-44 truncate text-xs text-faint max-md:max-w-none max-md:whitespace-normal" title={note}>
          {note}
        </span>
      )}
    </span>
  );
}

function Today({ node }: { node: Node }) {
  if (node.dayLimitBytes === null) return <Bytes amount={node.dayBytes} />;
  return (
    <span className="block max-w-40">
      <span className="whitespace-nowrap">
        <Bytes amount={node.dayBytes} /> <span className="text-faint">of {formatBytes(node.dayLimitBytes)}</span>
      </span>
      <Meter label={`Daily limit of ${node.label}`} value={node.dayBytes} max={node.dayLimitBytes} className="mt-1" />
    </span>
  );
}
