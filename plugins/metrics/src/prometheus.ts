import type { Family, Series } from './registry.ts';

/** Text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** What was collected, as Prometheus reads it. */
export function expose(families: readonly Family[]): string {
  let text = '';
  for (const family of families) {
    const { name, kind, doc } = family;
    text += `# HELP ${name} ${doc.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${kind}\n`;
    for (const series of family.series)
      text += kind === 'histogram' ? distribution(family, series) : single(family, series);
  }
  return text;
}

function single({ name, labels }: Family, series: Series): string {
  return `${name}${labelled(labels, series.labels)} ${number(series.value)}\n`;
}

function distribution({ name, labels, buckets }: Family, series: Series): string {
  let text = '';
  let count = 0;
  for (const [i, bound] of [...buckets, Number.POSITIVE_INFINITY].entries()) {
    count += series.counts![i]!;
    text += `${name}_bucket${labelled([...labels, 'le'], [...series.labels, number(bound)])} ${count}\n`;
  }
  const own = labelled(labels, series.labels);
  return `${text}${name}_sum${own} ${number(series.value)}\n${name}_count${own} ${count}\n`;
}

function labelled(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, i) => `${name}="${escaped(values[i]!)}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
