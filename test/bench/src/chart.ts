import { MARKS, type Report } from './report.ts';

const BAR = 16;
const LABEL = 190;
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
  const notes = wrapped(
    `${report.machine}. ${report.at.slice(0, 10)}. ${report.rounds} rounds of ${report.seconds} s. ${Object.entries(
      report.versions,
    )
      .filter(([name]) => !name.includes(','))
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  );
  const height = y + 16 + notes.length * 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU for a unit, times that of ${reference}">
<style>
  svg { background: #fff; font: 12px system-ui, sans-serif; fill: #1b2330; }
  .title { font-size: 16px; font-weight: 600; } .group { font-weight: 600; } .own { font-weight: 700; } .end { text-anchor: end; }
  .dim { fill: #5c6778; } .bar { fill: #a9b4c4; } .ours { fill: #0b62c4; } .one { stroke: #5c6778; stroke-dasharray: 3 3; } .spread { stroke: #1b2330; stroke-width: 2; }
  @media (prefers-color-scheme: dark) { svg { background: #11151c; fill: #e6eaf0; } .dim { fill: #9aa6b6; } .bar { fill: #4b586b; } .ours { fill: #5aa7ff; } .one { stroke: #9aa6b6; } .spread { stroke: #e6eaf0; } }
</style>
<rect width="100%" height="100%" fill="none"/>
${text(12, 26, `CPU for a request, message or MiB, times that of ${reference}`, 'title')}
${text(12, 46, 'Less is better. Bars: median of the ratios within a round; lines: quartiles.', 'dim')}
<path class="one" d="M${one} 58V${y}"/>
${parts.join('\n')}
${notes.map((line, i) => text(12, y + 16 + i * 16, line, 'dim')).join('\n')}
</svg>
`;
}

function wrapped(line: string): string[] {
  return line.match(/.{1,108}(?:\s|$)/g)?.map((part) => part.trim()) ?? [];
}

function text(x: number, y: number, content: string, style: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${y}"${style === '' ? '' : ` class="${style}"`}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
