import type { Exemplar, Family, Series } from './registry.ts';

/** Text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
/** OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), which has exemplars. */
export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** What who accepts `accept` is sent: OpenMetrics where it is named, and is not refused by `q=0`. */
export function contentTypeFor(accept: string): typeof PROMETHEUS | typeof OPENMETRICS {
  return /application\/openmetrics-text(?![^,]*;\s*q=0(\.0*)?\s*(,|;|$))/i.test(accept) ? OPENMETRICS : PROMETHEUS;
}

/** What was collected, in one of the formats. */
export function expose(families: readonly Family[], contentType: string = PROMETHEUS): string {
  const open = contentType === OPENMETRICS;
  let text = '';
  for (const family of families) {
    const { name, kind, doc } = family;
    // A counter's samples end in _total; OpenMetrics calls the family without it.
    const own = open && kind === 'counter' ? name.replace(/_total$/, '') : name;
    const help = doc.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    text += `# HELP ${own} ${open ? help.replaceAll('"', '\\"') : help}\n# TYPE ${own} ${kind}\n`;
    for (const series of family.series)
      text += kind === 'histogram' ? distribution(family, series, open) : single(family, series);
  }
  return open ? `${text}# EOF\n` : text;
}

function single({ name, labels }: Family, series: Series): string {
  return `${name}${labelled(labels, series.labels)} ${number(series.value)}\n`;
}

function distribution({ name, labels, buckets }: Family, series: Series, open: boolean): string {
  let text = '';
  let count = 0;
  const names = [...labels, 'le'];
  for (const [i, bound] of [...buckets, Number.POSITIVE_INFINITY].entries()) {
    count += series.counts![i]!;
    const le = open && Number.isInteger(bound) ? `${bound}.0` : number(bound);
    text += `${name}_bucket${labelled(names, [...series.labels, le])} ${count}`;
    const exemplar = open ? series.exemplars?.[i] : undefined;
    text += exemplar === undefined ? '\n' : ` # ${example(exemplar)}\n`;
  }
  const own = labelled(labels, series.labels);
  return `${text}${name}_sum${own} ${number(series.value)}\n${name}_count${own} ${count}\n`;
}

function example({ trace, value, at }: Exemplar): string {
  return `{trace_id="${trace}"} ${number(value)} ${(at / 1_000).toFixed(3)}`;
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
