import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Result } from './measure.ts';
import type { Subject } from './subjects.ts';

/** One run, as it is written to JSON. */
export interface Report {
  readonly at: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly reference: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly missing: readonly string[];
  readonly results: readonly Result[];
}

export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory} GiB, Linux ${release()}`;
}

export function versions(subjects: readonly Subject[]): Record<string, string> {
  const proxies = subjects.filter(({ baseline }) => !baseline);
  const all = Object.fromEntries(proxies.map(({ name, version }) => [name, version]));
  return { node: process.versions.node, ...all };
}

/** For a terminal: each workload with its subjects, the smallest or the cheapest first. */
export function table({ results, reference }: Report): string {
  const blocks = [...new Set(results.map(({ workload }) => workload))].map((workload) => {
    const rows = results
      .filter((result) => result.workload === workload)
      .sort((a, b) => (a.size ?? 0) - (b.size ?? 0) || a.cost.median - b.cost.median);
    const memory = rows[0]!.perSecond.median === 0;
    const head = [
      workload,
      memory ? 'KiB each' : `µs CPU/${rows[0]!.unit}`,
      `× ${reference}`,
      'quartiles',
      'per second',
      'p50 µs',
      'p99 µs',
      'failures',
    ];
    const lines = rows.map(({ subject, cost, ratio, perSecond, p50, p99, failures }) => [
      `  ${subject}`,
      fixed(memory ? cost.median / 1024 : cost.median),
      ratio === undefined ? '' : ratio.median.toFixed(2),
      ratio === undefined || memory ? '' : `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`,
      memory ? '' : Math.round(perSecond.median).toLocaleString('en'),
      memory ? '' : String(Math.round(p50.median)),
      memory ? '' : String(Math.round(p99.median)),
      failures === 0 ? '' : String(failures),
    ]);
    return [head, ...lines];
  });
  const widths = blocks
    .flat()
    .reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return blocks
    .map((rows) =>
      rows
        .map((row) =>
          row
            .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
            .join('  ')
            .trimEnd(),
        )
        .join('\n'),
    )
    .join('\n\n');
}

function fixed(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

export function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}
