import type { Clock, Endpoint, Histogram, Lifecycle, Sessions, Sidecar } from '@outrigger/core';
import { isFailure } from './failure.ts';
import type { Declared } from './registry.ts';
import type { SessionMetrics } from './session-metrics.ts';
import { POINTS, Track } from './track.ts';

/** Seconds between two points. */
export const POINT_SECONDS = 5;

/** Places in a {@link Track} of requests and WebSockets; the buckets of the durations are behind them. */
export const FAILED = 0;
export const OPENED = 1;
export const RECEIVED = 2;
export const SENT = 3;
export const BUCKETS_FROM = 4;
/** The same of an endpoint. */
export const PICKS = 0;
export const FAILURES = 1;

/** What is known of a listener, a cluster, or all listeners. */
export interface Figures {
  readonly grown: Track;
  /** WebSockets that were open, by point. */
  readonly open: Float64Array;
}

/**
 * How the metrics have grown, by points of five seconds for five minutes. A timer reads what is counted anyway: requests and
 * endpoints pay nothing for it.
 */
export class RollingFigures implements Lifecycle {
  readonly bounds: readonly number[];
  readonly listeners = new Map<string, Figures>();
  readonly clusters = new Map<string, Figures>();
  /** Wall-clock milliseconds of the last point, or of the start. */
  at = 0;
  readonly #metrics: SessionMetrics;
  readonly #sessions: Sessions;
  readonly #sidecar: Sidecar;
  readonly #clock: Clock;
  // An endpoint that is listed anew may be another one, whose counts begin at 0.
  #endpoints = new WeakMap<Endpoint, Track>();
  readonly #times = new Float64Array(POINTS);
  readonly #seconds = new Float64Array(POINTS);
  #taken = 0;
  #last = 0;
  #timer: Disposable | undefined;

  constructor(metrics: SessionMetrics, sessions: Sessions, sidecar: Sidecar, clock: Clock) {
    this.#metrics = metrics;
    this.#sessions = sessions;
    this.#sidecar = sidecar;
    this.#clock = clock;
    this.bounds = metrics.instruments.server.buckets;
  }

  start(): void {
    this.at = this.#clock.wallTime();
    this.#last = this.#clock.now();
    for (const track of this.#read()) track.begin();
    this.#arm();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
  }

  /** Places of the last `count` points, or of as many as there are, oldest first. */
  places(count: number): number[] {
    const taken = Math.min(this.#taken, count);
    return Array.from({ length: taken }, (_, i) => (this.#taken - taken + i) % POINTS);
  }

  /** Wall-clock milliseconds of a point. */
  timeOf(place: number): number {
    return this.#times[place]!;
  }

  /** Seconds that a point took: {@link POINT_SECONDS}, and what the timer was late. */
  secondsOf(place: number): number {
    return this.#seconds[place]!;
  }

  endpoint(endpoint: Endpoint): Track {
    let track = this.#endpoints.get(endpoint);
    if (track === undefined) {
      track = new Track(2);
      this.#endpoints.set(endpoint, track);
    }
    return track;
  }

  #arm(): void {
    this.#timer = this.#clock.after(POINT_SECONDS * 1_000, () => {
      this.#arm();
      this.#take();
    });
  }

  #take(): void {
    const place = this.#taken % POINTS;
    for (const track of this.#read()) track.take(place);
    for (const { open } of [...this.listeners.values(), ...this.clusters.values()]) open[place] = open[POINTS]!;
    const now = this.#clock.now();
    this.at = this.#clock.wallTime();
    this.#times[place] = this.at;
    this.#seconds[place] = (now - this.#last) / 1_000;
    this.#last = now;
    this.#taken++;
  }

  /** Writes how everything stands; yields what was written. */
  #read(): Track[] {
    const all = [...this.listeners.values(), ...this.clusters.values()];
    for (const { grown, open } of all) {
      grown.now.fill(0);
      open[POINTS] = 0;
    }
    const { instruments, messages } = this.#metrics;
    this.#readDurations(instruments.server, this.listeners, 'listener');
    this.#readDurations(instruments.client, this.clusters, 'cluster');
    for (const { websocket, connection } of this.#sessions)
      if (websocket !== undefined) this.#of(this.listeners, connection.listener.name).open[POINTS]!++;
    for (const [listener, { received, sent }] of messages.byListener()) {
      const { now } = this.#of(this.listeners, listener).grown;
      now[RECEIVED] = received;
      now[SENT] = sent;
    }
    return [...this.listeners.values(), ...this.clusters.values()]
      .map(({ grown }) => grown)
      .concat(this.#readEndpoints());
  }

  #readDurations(durations: Declared<Histogram>, into: Map<string, Figures>, label: string): void {
    const name = durations.labels.indexOf(label);
    const status = durations.labels.indexOf('http_response_status_code');
    const error = durations.labels.indexOf('error_type');
    for (const { labels, counts } of durations.series) {
      const { now } = this.#of(into, labels[name]!).grown;
      let count = 0;
      for (const [i, inBucket] of counts!.entries()) {
        now[BUCKETS_FROM + i]! += inBucket;
        count += inBucket;
      }
      if (isFailure(labels[status]!, labels[error]!)) now[FAILED]! += count;
      if (labels[status] === '101') now[OPENED]! += count;
    }
  }

  #readEndpoints(): Track[] {
    const tracks: Track[] = [];
    for (const { name, endpoints, leaving } of this.#sidecar.clusterStates()) {
      const figures = this.#of(this.clusters, name);
      for (const endpoint of [...endpoints, ...leaving]) {
        const track = this.endpoint(endpoint);
        track.now[PICKS] = endpoint.picks ?? 0;
        track.now[FAILURES] = (endpoint.failures ?? 0) + (endpoint.serverErrors ?? 0);
        figures.open[POINTS]! += endpoint.streams;
        tracks.push(track);
      }
    }
    return tracks;
  }

  #of(all: Map<string, Figures>, name: string): Figures {
    let figures = all.get(name);
    if (figures === undefined) {
      // Behind the points stands what is being read.
      figures = { grown: new Track(BUCKETS_FROM + this.bounds.length + 1), open: new Float64Array(POINTS + 1) };
      all.set(name, figures);
    }
    return figures;
  }
}
