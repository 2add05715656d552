/** Values of the labels, in the order in which the instrument declared their names. */
export type LabelValues = readonly string[];

export interface Counter {
  add(value?: number): void;
}
export interface Gauge {
  set(value: number): void;
  add(value: number): void;
}
export interface Histogram {
  /** `trace` is the id of a trace that is recorded and in which the value can be looked at (an exemplar). */
  record(value: number, trace?: string): void;
}

export interface InstrumentOptions {
  /** One sentence. */
  readonly doc: string;
  /** UCUM: `s`, `By`, `{connection}`. */
  readonly unit?: string;
  readonly labels?: readonly string[];
  /** Sets of label values beyond this many share one series labelled `other`. Default 1,000. */
  readonly maxSeries?: number;
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}

/**
 * Where measurements go. Declare an instrument once, in `bind` or `init`; call `with` once per set of label values and keep
 * what it returns: on a session's way only `add` and `record` are called. A no-op until a plugin provides it.
 */
export interface Metrics {
  counter(name: string, options: InstrumentOptions): { with(...labels: LabelValues): Counter };
  gauge(name: string, options: InstrumentOptions): { with(...labels: LabelValues): Gauge };
  histogram(name: string, options: InstrumentOptions): { with(...labels: LabelValues): Histogram };
  /** Calls `read` whenever the metrics are collected, so that it can set its gauges; until disposed: in `stop`, say. */
  onCollect(read: () => void): Disposable;
}

const nothing = { add() {}, set() {}, record() {} };
const instrument = { with: () => nothing };

/** Metrics that nobody collects. */
export const noMetrics: Metrics = {
  counter: () => instrument,
  gauge: () => instrument,
  histogram: () => instrument,
  onCollect: () => ({ [Symbol.dispose]() {} }),
};
