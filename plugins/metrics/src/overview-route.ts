import type { AdminRoute, Endpoint, Sidecar } from '@outrigger/core';
import { quantile } from './quantile.ts';
import {
  BUCKETS_FROM,
  FAILED,
  FAILURES,
  type Figures,
  OPENED,
  PICKS,
  POINT_SECONDS,
  RECEIVED,
  type RollingFigures,
  SENT,
} from './rolling-figures.ts';
import { POINTS } from './track.ts';

const WINDOW_SECONDS = 60;

const NUMBER = { type: 'number', minimum: 0 };
const NUMBER_OR_NULL = { type: ['number', 'null'], minimum: 0 };
const SERIES = { type: 'array', items: NUMBER };
const PERCENTILES = { type: 'array', items: NUMBER_OR_NULL };
const ROW = {
  requests: object({
    perSecond: NUMBER,
    successRatio: NUMBER_OR_NULL,
    p50Seconds: NUMBER_OR_NULL,
    p95Seconds: NUMBER_OR_NULL,
    p99Seconds: NUMBER_OR_NULL,
  }),
  webSockets: object(
    { open: NUMBER, openedPerSecond: NUMBER },
    { messagesPerSecond: object({ received: NUMBER, sent: NUMBER }) },
  ),
  series: object({
    perSecond: SERIES,
    failedPerSecond: SERIES,
    p50Seconds: PERCENTILES,
    p95Seconds: PERCENTILES,
    p99Seconds: PERCENTILES,
    open: SERIES,
  }),
};
const ENDPOINT = object({
  perSecond: NUMBER,
  failedPerSecond: NUMBER,
  series: object({ perSecond: SERIES, failedPerSecond: SERIES }),
});
const OVERVIEW = object({
  at: { type: 'string', format: 'date-time' },
  windowSeconds: NUMBER,
  pointSeconds: NUMBER,
  points: { type: 'array', items: { type: 'string', format: 'date-time' } },
  total: object(ROW),
  listeners: { type: 'object', additionalProperties: object(ROW) },
  clusters: {
    type: 'object',
    additionalProperties: object({ ...ROW, endpoints: { type: 'object', additionalProperties: ENDPOINT } }),
  },
});

function object(properties: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}) {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** `GET /overview`: rates, percentiles and what is open, of the last minute, and by points of the last five. */
export function overviewRoute(figures: RollingFigures, sidecar: Sidecar): AdminRoute {
  return {
    method: 'GET',
    path: '/overview',
    doc: 'Rates, shares and percentiles of the last minute, by listener, cluster and endpoint, with points of the last five.',
    responses: { 200: { doc: 'Null stands where there was nothing to tell of.', schema: OVERVIEW } },
    serve: () => ({ body: new Overview(figures).of(sidecar) }),
  };
}

/** One answer. */
class Overview {
  readonly #figures: RollingFigures;
  readonly #points: readonly number[];
  readonly #window: readonly number[];
  /** Of the window. */
  readonly #seconds: number;

  constructor(figures: RollingFigures) {
    this.#figures = figures;
    this.#points = figures.places(POINTS);
    this.#window = figures.places(WINDOW_SECONDS / POINT_SECONDS);
    this.#seconds = this.#window.reduce((sum, place) => sum + figures.secondsOf(place), 0);
  }

  of(sidecar: Sidecar): object {
    const { listeners, clusters, at } = this.#figures;
    const named = (all: ReadonlyMap<string, Figures>, name: string) => {
      const one = all.get(name);
      return this.#row(one === undefined ? [] : [one]);
    };
    return {
      at: new Date(at).toISOString(),
      windowSeconds: WINDOW_SECONDS,
      pointSeconds: POINT_SECONDS,
      points: this.#points.map((place) => new Date(this.#figures.timeOf(place)).toISOString()),
      total: this.#row([...listeners.values()]),
      listeners: Object.fromEntries(sidecar.listenerStates().map(({ name }) => [name, named(listeners, name)])),
      clusters: Object.fromEntries(
        [...sidecar.clusterStates()].map(({ name, endpoints, leaving }) => {
          const { webSockets, ...rest } = named(clusters, name);
          // Messages are counted by listener.
          const { messagesPerSecond: _, ...streams } = webSockets;
          return [name, { ...rest, webSockets: streams, endpoints: this.#endpoints([...endpoints, ...leaving]) }];
        }),
      ),
    };
  }

  #row(of: readonly Figures[]) {
    const counts = this.#sum(of, this.#window);
    const requests = sumOf(counts.subarray(BUCKETS_FROM));
    const points = this.#points.map((place) => this.#sum(of, [place]));
    const open = this.#points.map((place) => of.reduce((sum, { open }) => sum + open[place]!, 0));
    return {
      requests: {
        perSecond: this.#perSecond(requests),
        successRatio: requests === 0 ? null : rounded(1 - counts[FAILED]! / requests),
        p50Seconds: this.#quantile(0.5, counts),
        p95Seconds: this.#quantile(0.95, counts),
        p99Seconds: this.#quantile(0.99, counts),
      },
      webSockets: {
        open: open.at(-1) ?? 0,
        openedPerSecond: this.#perSecond(counts[OPENED]!),
        messagesPerSecond: {
          received: this.#perSecond(counts[RECEIVED]!),
          sent: this.#perSecond(counts[SENT]!),
        },
      },
      series: {
        perSecond: points.map((point, i) => this.#rateAt(i, sumOf(point.subarray(BUCKETS_FROM)))),
        failedPerSecond: points.map((point, i) => this.#rateAt(i, point[FAILED]!)),
        p50Seconds: points.map((point) => this.#quantile(0.5, point)),
        p95Seconds: points.map((point) => this.#quantile(0.95, point)),
        p99Seconds: points.map((point) => this.#quantile(0.99, point)),
        open,
      },
    };
  }

  #endpoints(all: readonly Endpoint[]): object {
    return Object.fromEntries(
      all.map((endpoint) => {
        const track = this.#figures.endpoint(endpoint);
        const grown = track.over(this.#window);
        const rates = (which: number) => this.#points.map((place, i) => this.#rateAt(i, track.at(place)[which]!));
        return [
          endpoint.address,
          {
            perSecond: this.#perSecond(grown[PICKS]!),
            failedPerSecond: this.#perSecond(grown[FAILURES]!),
            series: { perSecond: rates(PICKS), failedPerSecond: rates(FAILURES) },
          },
        ];
      }),
    );
  }

  #sum(of: readonly Figures[], places: readonly number[]): Float64Array {
    const sum = new Float64Array(BUCKETS_FROM + this.#figures.bounds.length + 1);
    for (const { grown } of of) for (const [i, value] of grown.over(places).entries()) sum[i]! += value;
    return sum;
  }

  #quantile(q: number, counts: Float64Array): number | null {
    const value = quantile(q, counts.subarray(BUCKETS_FROM), this.#figures.bounds);
    return value === null ? null : rounded(value);
  }

  #perSecond(count: number): number {
    return this.#seconds === 0 ? 0 : rounded(count / this.#seconds);
  }

  #rateAt(point: number, count: number): number {
    return rounded(count / this.#figures.secondsOf(this.#points[point]!));
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Microseconds, and as much of a share or a rate: more would be noise. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
