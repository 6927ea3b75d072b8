/** Colours and sizes that all charts share. They are CSS variables, so a chart follows the theme without a redraw. */
export const seriesColors = { a: "var(--series-a)", b: "var(--series-b)" } as const;
export const axisTick = { fill: "var(--faint)", fontSize: 11 } as const;
export const gridStroke = "var(--line)";

/** The next "round" number at or above `max`, so that an axis does not jump with each point; `quiet` when nothing is there. */
export function niceCeiling(max: number, quiet: number): number {
  if (max <= 0) return quiet;
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= max) ?? 10;
  return step * power;
}
