import type { Counter, Gauge, Histogram, InstrumentOptions, LabelValues, Metrics } from '@outrigger/core';

/** Sets of label values that one instrument keeps apart, unless it says otherwise. */
const MAX_SERIES = 1_000;

/** Seconds: OpenTelemetry's advice for durations of HTTP. */
const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export type Kind = 'counter' | 'gauge' | 'histogram';

/** One set of label values with its number, or its distribution. */
export interface Series {
  readonly labels: LabelValues;
  readonly value: number;
  /** Of a histogram: how many were at most each bound, not summed up; one more for those above. */
  readonly counts?: readonly number[];
  /** Of a histogram: for each of these the last value that belongs to a recorded trace. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
}

/** One value, with the trace in which it can be looked at. `at` is in wall-clock milliseconds. */
export interface Exemplar {
  readonly trace: string;
  readonly value: number;
  readonly at: number;
}

/** An instrument with all that it has measured so far. */
export interface Family {
  readonly name: string;
  readonly kind: Kind;
  readonly doc: string;
  readonly unit: string | undefined;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly series: Iterable<Series>;
}

/** A histogram whose counts may be kept elsewhere, and be written when it is collected. */
export interface Distribution extends Histogram {
  /** By bucket. */
  readonly counts: readonly number[];
  /** Adds so many to each bucket, and their `sum`. */
  addAll(counts: ArrayLike<number>, sum: number): void;
  /** The same as a histogram's; returns the index of the bucket that it fell into. */
  record(value: number, trace?: string): number;
}

/** An instrument as this registry gives it. */
export interface Declared<T> extends Family {
  with(...labels: LabelValues): T;
  /** Drops all series: for what is written anew whenever it is collected. Handles on them are void. */
  forget(): void;
}

/**
 * Keeps numbers. An instrument that is declared again is the same one, so that a plugin that a reload has replaced goes on
 * counting where the old one stopped.
 */
export class Registry implements Metrics {
  readonly #families = new Map<string, Instrument>();
  readonly #readers = new Set<() => void>();
  #isGone: ((labels: readonly string[]) => ((values: LabelValues) => boolean) | undefined) | undefined;

  counter(name: string, options: InstrumentOptions): Declared<Counter> {
    return this.#declare('counter', name, options);
  }

  gauge(name: string, options: InstrumentOptions): Declared<Gauge> {
    return this.#declare('gauge', name, options);
  }

  histogram(name: string, options: InstrumentOptions): Declared<Distribution> {
    return this.#declare('histogram', name, options);
  }

  onCollect(read: () => void): Disposable {
    // One function may be given twice, and disposed of once.
    const own = () => read();
    this.#readers.add(own);
    return { [Symbol.dispose]: () => void this.#readers.delete(own) };
  }

  /**
   * Whenever metrics are collected, `isGone` is asked for the labels of each instrument; what it returns, for the values of each
   * of its series. Those that are gone are not told, and go on counting where they come back.
   */
  leaveOut(isGone: (labels: readonly string[]) => ((values: LabelValues) => boolean) | undefined): void {
    this.#isGone = isGone;
  }

  /** Everything as it is now, in the order of the names. */
  collect(): Family[] {
    for (const read of this.#readers) read();
    return [...this.#families.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((instrument) => {
        const isGone = this.#isGone?.(instrument.labels);
        return isGone === undefined ? instrument : instrument.without(isGone);
      });
  }

  #declare(kind: Kind, name: string, options: InstrumentOptions): Instrument {
    const known = this.#families.get(name);
    if (known === undefined) {
      const instrument = new Instrument(kind, name, options);
      this.#families.set(name, instrument);
      return instrument;
    }
    const { labels = [] } = options;
    if (known.kind !== kind || known.labels.join() !== labels.join())
      throw new TypeError(
        `the metric ${name} is a ${known.kind} of {${known.labels.join()}} already; it cannot be a ${kind} of {${labels.join()}}: choose another name`,
      );
    return known;
  }
}

class Instrument implements Family {
  readonly name: string;
  readonly kind: Kind;
  readonly doc: string;
  readonly unit: string | undefined;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly #maxSeries: number;
  readonly #series = new Map<string, Numbers>();

  constructor(kind: Kind, name: string, options: InstrumentOptions) {
    const { doc, unit, labels = [], maxSeries = MAX_SERIES, buckets = BUCKETS } = options;
    if (!NAME.test(name)) throw new TypeError(`"${name}" is not the name of a metric: letters, digits and _ alone`);
    for (const label of labels)
      if (!LABEL.test(label)) throw new TypeError(`"${label}" is not the name of a label (metric ${name})`);
    this.kind = kind;
    this.name = name;
    this.doc = doc;
    this.unit = unit;
    this.labels = labels;
    this.buckets = kind === 'histogram' ? buckets : [];
    this.#maxSeries = maxSeries;
  }

  get series(): Iterable<Series> {
    return this.#series.values();
  }

  forget(): void {
    this.#series.clear();
  }

  /** The same without those series; where room is short, they make room. */
  without(isGone: (values: LabelValues) => boolean): Family {
    const { name, kind, doc, unit, labels, buckets } = this;
    const isFull = this.#series.size >= this.#maxSeries;
    const series: Series[] = [];
    for (const [key, numbers] of this.#series) {
      if (!isGone(numbers.labels)) series.push(numbers);
      else if (isFull) this.#series.delete(key);
    }
    return { name, kind, doc, unit, labels, buckets, series };
  }

  /** Beyond the bound all share one, whose labels all say `other`. */
  with(...labels: LabelValues): Numbers {
    if (labels.length !== this.labels.length)
      throw new TypeError(`the metric ${this.name} wants ${this.labels.length} label values, not ${labels.length}`);
    const key = labels.join('\0');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#maxSeries && labels.some((label) => label !== 'other'))
      return this.with(...labels.map(() => 'other'));
    const numbers = new Numbers(labels, this.buckets);
    this.#series.set(key, numbers);
    return numbers;
  }
}

/** A counter, a gauge, or a histogram: what they do on a session's way is an addition or two. */
class Numbers implements Series, Counter, Gauge, Distribution {
  readonly labels: LabelValues;
  readonly counts: number[];
  readonly #buckets: readonly number[];
  exemplars: (Exemplar | undefined)[] | undefined = undefined;
  value = 0;

  constructor(labels: LabelValues, buckets: readonly number[]) {
    this.labels = labels;
    this.#buckets = buckets;
    this.counts = buckets.length === 0 ? [] : new Array<number>(buckets.length + 1).fill(0);
  }

  add(value = 1): void {
    this.value += value;
  }

  set(value: number): void {
    this.value = value;
  }

  addAll(counts: ArrayLike<number>, sum: number): void {
    this.value += sum;
    for (let i = 0; i < this.counts.length; i++) this.counts[i]! += counts[i]!;
  }

  record(value: number, trace?: string): number {
    this.value += value;
    let i = 0;
    while (i < this.#buckets.length && value > this.#buckets[i]!) i++;
    this.counts[i]!++;
    if (trace === undefined) return i;
    this.exemplars ??= [];
    this.exemplars[i] = { trace, value, at: Date.now() };
    return i;
  }
}
