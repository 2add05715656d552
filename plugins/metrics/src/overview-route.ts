import type { AdminRoute, Endpoint, Sidecar } from '@outrigger/core';
import { BUCKETS_FROM, FAILED, OPENED, RECEIVED, SENT } from './attempt-counts.ts';
import { OVERVIEW } from './overview-schema.ts';
import { quantile } from './quantile.ts';
import { POINT_SECONDS, type RollingFigures } from './rolling-figures.ts';
import { rounded } from './rounded.ts';
import { POINTS, type Track } from './track.ts';

const WINDOW_SECONDS = 60;
/** The series of thousands of endpoints would be an answer of megabytes, every few seconds where a page follows it. */
const ENDPOINTS_WITH_SERIES = 500;

/** `GET /overview`: rates, percentiles and what is open, of the last minute, and by points of the last five. */
export function overviewRoute(figures: RollingFigures, sidecar: Sidecar): AdminRoute {
  return {
    method: 'GET',
    path: '/overview',
    doc: 'Rates, shares and percentiles of the last minute, by listener, cluster and endpoint, with points of the last five.',
    query: {
      series: {
        doc: 'Endpoints whose `series` are told; beyond so many they are empty, as of those that were not used.',
        schema: { type: 'integer', minimum: 0, default: ENDPOINTS_WITH_SERIES },
      },
    },
    responses: { 200: { doc: 'Null stands where there was nothing to tell of.', schema: OVERVIEW } },
    serve({ query }) {
      const series = Number(query.get('series') ?? ENDPOINTS_WITH_SERIES);
      if (!Number.isInteger(series) || series < 0)
        return { status: 400, body: { error: `series is "${query.get('series')}"; expected a whole number` } };
      return { body: new Overview(figures, series).of(sidecar) };
    },
  };
}

/** One answer. */
class Overview {
  readonly #figures: RollingFigures;
  readonly #points: readonly number[];
  readonly #window: readonly number[];
  /** Of the window. */
  readonly #seconds: number;
  /** Endpoints whose series are still to be told. */
  #series: number;
  #unused: object | undefined;

  constructor(figures: RollingFigures, series: number) {
    this.#figures = figures;
    this.#series = series;
    this.#points = figures.places(POINTS);
    this.#window = figures.places(WINDOW_SECONDS / POINT_SECONDS);
    this.#seconds = this.#window.reduce((sum, place) => sum + figures.secondsOf(place), 0);
  }

  of(sidecar: Sidecar): object {
    const { listeners, clusters, at } = this.#figures;
    const points = this.#points.map((place) => new Date(this.#figures.timeOf(place)).toISOString());
    return {
      at: new Date(at).toISOString(),
      windowSeconds: WINDOW_SECONDS,
      pointSeconds: POINT_SECONDS,
      seriesSeconds: points.length * POINT_SECONDS,
      points,
      total: this.#listener([...listeners.values()]),
      listeners: Object.fromEntries(
        sidecar.listenerStates().map(({ name }) => [name, this.#listener(listOf(listeners.get(name)))]),
      ),
      clusters: Object.fromEntries(
        [...sidecar.clusterStates()].map(({ name, endpoints, leaving }) => [
          name,
          {
            ...this.#row(listOf(clusters.get(name))),
            endpoints: Object.fromEntries(
              [...endpoints, ...leaving].map((endpoint) => [endpoint.address, this.#endpoint(endpoint)]),
            ),
          },
        ]),
      ),
    };
  }

  #listener(of: readonly Track[]) {
    const { webSockets, ...row } = this.#row(of);
    const counts = this.#sum(of, this.#window);
    const messagesPerSecond = {
      received: this.#perSecond(counts[RECEIVED]!),
      sent: this.#perSecond(counts[SENT]!),
    };
    return { ...row, webSockets: { ...webSockets, messagesPerSecond } };
  }

  /** Of one that was not used there is no course: where there are thousands most of the answer would be zeros. */
  #endpoint(endpoint: Endpoint) {
    const track = this.#figures.endpoints.of(endpoint);
    if (track === undefined) {
      this.#unused ??= this.#row([], []);
      return this.#unused;
    }
    return this.#row([track], this.#series-- > 0 ? this.#points : []);
  }

  #row(of: readonly Track[], points = this.#points) {
    const counts = this.#sum(of, this.#window);
    const last = this.#points.at(-1);
    return {
      requests: {
        perSecond: this.#perSecond(requestsOf(counts)),
        successRatio: successRatio(counts),
        p50Seconds: this.#quantile(0.5, counts),
        p95Seconds: this.#quantile(0.95, counts),
        p99Seconds: this.#quantile(0.99, counts),
      },
      webSockets: {
        open: last === undefined ? 0 : openAt(of, last),
        openedPerSecond: this.#perSecond(counts[OPENED]!),
      },
      series: this.#courses(of, points),
    };
  }

  #courses(of: readonly Track[], places: readonly number[]) {
    const points = places.map((place) => this.#sum(of, [place]));
    return {
      perSecond: points.map((point, i) => this.#rateAt(i, requestsOf(point))),
      failedPerSecond: points.map((point, i) => this.#rateAt(i, point[FAILED]!)),
      successRatio: points.map(successRatio),
      p50Seconds: points.map((point) => this.#quantile(0.5, point)),
      p95Seconds: points.map((point) => this.#quantile(0.95, point)),
      p99Seconds: points.map((point) => this.#quantile(0.99, point)),
      open: places.map((place) => openAt(of, place)),
    };
  }

  #sum(of: readonly Track[], places: readonly number[]): Float64Array {
    const sum = new Float64Array(BUCKETS_FROM + this.#figures.bounds.length + 1);
    for (const track of of) for (const place of places) track.addTo(sum, place);
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

/** Requests: each has a duration. */
function requestsOf(counts: Float64Array): number {
  let sum = 0;
  for (let i = BUCKETS_FROM; i < counts.length; i++) sum += counts[i]!;
  return sum;
}

function successRatio(counts: Float64Array): number | null {
  const requests = requestsOf(counts);
  return requests === 0 ? null : rounded(1 - counts[FAILED]! / requests);
}

function openAt(of: readonly Track[], place: number): number {
  return of.reduce((sum, track) => sum + track.openAt(place), 0);
}

function listOf<T>(one: T | undefined): T[] {
  return one === undefined ? [] : [one];
}
