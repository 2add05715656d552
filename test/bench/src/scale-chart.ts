import type { Result } from './measure.ts';
import type { Report } from './report.ts';
import { notes, picture, round, text } from './svg.ts';

const PANEL = 330;
const HEIGHT = 170;
const LEFT = 40;
const GAP = 60;
const COLOURS = ['#0b62c4', '#c2410c', '#15803d', '#7e22ce', '#a16207', '#be185d'];
const DARK_COLOURS = ['#5aa7ff', '#fb923c', '#4ade80', '#c084fc', '#facc15', '#f472b6'];
const DASHES = ['none', '6 3', '2 2', '8 2 2 2', '4 4', '1 3'];

/** What a request costs beside how much there is, times that with the least: a panel for each thing, a line for each curve. */
export function scaleChart(report: Report): string {
  const panels = Map.groupBy(report.results.filter(drawable), ({ workload }) => workload.split(', ')[0]!);
  let y = 76;
  const parts: string[] = [];
  const all = [...panels];
  for (let i = 0; i < all.length; i += 2) {
    const row = all.slice(i, i + 2);
    row.forEach(([what, results], column) => void parts.push(panel(LEFT + column * (PANEL + GAP), y, what, results)));
    y += HEIGHT + 64 + 16 * Math.max(...row.map(([, results]) => Map.groupBy(results, series).size));
  }
  const small = notes(
    y,
    `${report.machine}. ${report.at.slice(0, 10)}. ${report.rounds} rounds of ${report.seconds} s, Node ${report.versions['node']}. ${report.missing.join(' ')}`,
  );
  const rules = (colours: readonly string[]) =>
    colours.map((colour, i) => `.s${i} { stroke: ${colour}; } .d${i} { fill: ${colour}; }`).join(' ');
  return picture(
    {
      width: LEFT + 2 * PANEL + GAP + 20,
      height: y + small.height,
      title: 'CPU for a request beside how much there is',
      light: `.line { fill: none; stroke-width: 2; } .axis { stroke: #5c6778; } .grid { stroke: #e3e7ed; } ${rules(COLOURS)}`,
      dark: `.axis { stroke: #9aa6b6; } .grid { stroke: #232b37; } ${rules(DARK_COLOURS)}`,
    },
    [
      text(12, 26, 'CPU for a request beside how much there is', 'title'),
      text(12, 46, 'Times that with the least. A straight line is logarithmic. Bars: quartiles.', 'dim'),
      ...parts,
      small.drawn,
    ],
  );
}

type Drawable = Result & Required<Pick<Result, 'size' | 'ratio'>>;

function drawable(result: Result): result is Drawable {
  return result.size !== undefined && result.ratio !== undefined;
}

function series({ workload }: Result): string {
  return workload.split(', ').slice(1).join(', ') || workload;
}

function panel(left: number, top: number, what: string, results: readonly Drawable[]): string {
  const sizes = results.map(({ size }) => Math.log10(size));
  const [least, most] = [Math.floor(Math.min(...sizes)), Math.ceil(Math.max(...sizes))];
  const highest = Math.max(2, Math.ceil(Math.max(...results.map(({ ratio }) => ratio!.high))));
  const x = (size: number) => round(left + ((Math.log10(size) - least) / (most - least)) * PANEL);
  const bottom = top + HEIGHT;
  const y = (ratio: number) => round(bottom - (ratio / highest) * HEIGHT);
  const parts = [text(left, top - 8, what, 'group')];
  for (let line = 0; line <= highest; line++) {
    const style = line === 0 ? 'axis' : line === 1 ? 'one' : 'grid';
    parts.push(`<path class="${style}" d="M${left} ${y(line)}H${left + PANEL}"/>`);
    parts.push(text(left - 6, y(line) + 4, String(line), 'dim end'));
  }
  for (let power = least; power <= most; power++)
    parts.push(text(x(10 ** power), bottom + 16, (10 ** power).toLocaleString('en'), 'dim middle'));
  [...Map.groupBy(results, series)].forEach(([name, points], i) => {
    const sorted = points.toSorted((a, b) => a.size - b.size);
    const at = sorted.map(({ size, ratio }) => `${x(size)} ${y(ratio!.median)}`);
    parts.push(`<path class="line s${i}" stroke-dasharray="${DASHES[i % DASHES.length]}" d="M${at.join('L')}"/>`);
    for (const { size, ratio } of sorted) {
      parts.push(`<path class="s${i}" d="M${x(size)} ${y(ratio!.low)}V${y(ratio!.high)}"/>`);
      parts.push(`<circle class="d${i}" cx="${x(size)}" cy="${y(ratio!.median)}" r="3"/>`);
    }
    const below = bottom + 36 + 16 * i;
    parts.push(
      `<path class="line s${i}" stroke-dasharray="${DASHES[i % DASHES.length]}" d="M${left} ${below - 4}h28"/>`,
    );
    const { size, ratio } = sorted.at(-1)!;
    parts.push(text(left + 36, below, `${name}: ${ratio!.median.toFixed(2)} at ${size.toLocaleString('en')}`, ''));
  });
  return parts.join('\n');
}
