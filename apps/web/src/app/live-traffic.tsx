"use client";
import { Card } from "#ui/card.tsx";
import { LiveChart, type LivePoint } from "#ui/charts/live-chart.tsx";
import { LiveBadge, type Liveness } from "#ui/live-badge.tsx";

interface LiveTrafficProps {
  title: string;
  description: string;
  points: readonly LivePoint[];
  liveness: Liveness;
}

/** Bytes a second as they move, and how fresh that is. */
export function LiveTraffic({ title, description, points, liveness }: LiveTrafficProps) {
  return (
    <Card title={title} description={description} aside={<LiveBadge liveness={liveness} />} testId="live-traffic">
      <LiveChart points={points} />
    </Card>
  );
}
