import { MARKS } from './marks.ts';
import type { Report } from './report.ts';
import { notes, picture, round, text } from './svg.ts';

const BAR = 16;
const LABEL = 262;
const SCALE = 400;
const WIDTH = LABEL + SCALE + 130;

/**
 * CPU for a unit beside the reference, a group of bars for each workload; what is over four times as much is cut. Colours
 * follow the reader's theme, and our own bar is told apart by its weight, too.
 */
export function chart(report: Report): string {
  const { results, reference } = report;
  const workloads = [...new Set(results.filter(({ ratio }) => ratio !== undefined).map(({ workload }) => workload))];
  let y = 66;
  const parts: string[] = [];
  for (const workload of workloads) {
    parts.push(text(12, y + 12, workload, 'group'));
    const mark = MARKS[workload];
    if (mark !== undefined)
      parts.push(text(LABEL, y + 12, `marks: ${mark.stretch} stretch, ${mark.floor} floor`, 'dim'));
    y += 22;
    const rows = results.filter((result) => result.workload === workload && result.ratio !== undefined);
    for (const { subject, ratio } of rows.sort((a, b) => a.ratio!.median - b.ratio!.median)) {
      const { median, low, high } = ratio!;
      const length = (value: number) => (Math.min(value, 4) / 4) * SCALE;
      const own = subject.startsWith('outrigger');
      parts.push(text(LABEL - 8, y + 12, subject, own ? 'own end' : 'end'));
      parts.push(
        `<rect class="${own ? 'ours' : 'bar'}" x="${LABEL}" y="${y + 2}" width="${round(length(median))}" height="${BAR - 4}" rx="2"/>`,
      );
      if (high <= 4)
        parts.push(`<path class="spread" d="M${round(LABEL + length(low))} ${y + 8}H${round(LABEL + length(high))}"/>`);
      parts.push(
        text(
          LABEL + length(high > 4 ? median : Math.max(median, high)) + 8,
          y + 12,
          `${median.toFixed(2)}${median > 4 ? ' (cut)' : ''}`,
          own ? 'own' : '',
        ),
      );
      y += BAR + 2;
    }
    y += 12;
  }
  const one = LABEL + SCALE / 4;
  const small = notes(
    y + 16,
    `${report.machine}. ${report.at.slice(0, 10)}. ${report.rounds} rounds of ${report.seconds} s. ${Object.entries(
      report.versions,
    )
      .filter(([name]) => !name.includes(','))
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  );
  return picture(
    {
      width: WIDTH,
      height: y + 16 + small.height,
      title: `CPU for a unit, times that of ${reference}`,
      light: '.bar { fill: #a9b4c4; } .ours { fill: #0b62c4; }',
      dark: '.bar { fill: #4b586b; } .ours { fill: #5aa7ff; }',
    },
    [
      text(12, 26, `CPU for a request, message or MiB, times that of ${reference}`, 'title'),
      text(12, 46, 'Less is better. Bars: median of the ratios within a round; lines: quartiles.', 'dim'),
      `<path class="one" d="M${one} 58V${y}"/>`,
      ...parts,
      small.drawn,
    ],
  );
}
