import { curve } from '../data/curve.ts';

const WIDTH = 120;
const HEIGHT = 24;

interface SparklineProps {
  readonly points: readonly (number | null)[] | undefined;
  /** A second line in the colour of failures, to the same scale. */
  readonly failed?: readonly (number | null)[] | undefined;
  /** What it shows, for who cannot see it. */
  readonly label: string;
  /** Of the scale; default: the highest point. */
  readonly most?: number;
}

/** The last minutes in a line. */
export function Sparkline({ points = [], failed = [], label, most }: SparklineProps) {
  const top = most ?? Math.max(0, ...points.map((point) => point ?? 0));
  const line = curve(points, WIDTH, HEIGHT, top);
  return (
    <svg class="sparkline" viewBox={`-1 -2 ${WIDTH + 2} ${HEIGHT + 4}`} preserveAspectRatio="none" role="img">
      <title>{label}</title>
      <path class="base" d={`M0 ${HEIGHT}L${WIDTH} ${HEIGHT}`} />
      <path class="line" d={line} />
      {failed.some((point) => (point ?? 0) > 0) && <path class="failed" d={curve(failed, WIDTH, HEIGHT, top)} />}
    </svg>
  );
}
