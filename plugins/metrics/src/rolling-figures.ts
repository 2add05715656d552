import type { Clock, Endpoint, Histogram, Lifecycle, Sessions, Sidecar } from '@outrigger/core';
import { BUCKETS_FROM, FAILED, noCounts, OPENED, RECEIVED, SENT } from './attempt-counts.ts';
import { EndpointTracks } from './endpoint-tracks.ts';
import { isFailure } from './failure.ts';
import { takeRates } from './message-rates.ts';
import type { Declared } from './registry.ts';
import type { SessionMetrics } from './session-metrics.ts';
import { POINTS, Track } from './track.ts';

/** Seconds between two points. */
export const POINT_SECONDS = 5;

/**
 * How the metrics have grown, by points of five seconds for five minutes. A timer reads what is counted anyway: requests and
 * messages pay nothing for it.
 */
export class RollingFigures implements Lifecycle {
  readonly bounds: readonly number[];
  readonly listeners = new Map<string, Track>();
  readonly clusters = new Map<string, Track>();
  readonly endpoints: EndpointTracks;
  /** Wall-clock milliseconds of the last point, or of the start. */
  at = 0;
  readonly #metrics: SessionMetrics;
  readonly #sessions: Sessions;
  readonly #sidecar: Sidecar;
  readonly #clock: Clock;
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
    this.endpoints = new EndpointTracks(this.bounds.length + 1);
  }

  start(): void {
    this.at = this.#clock.wallTime();
    this.#last = this.#clock.now();
    // What there was before is of no point.
    for (const track of this.#read(Number.POSITIVE_INFINITY)) track.begin();
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

  #arm(): void {
    this.#timer = this.#clock.after(POINT_SECONDS * 1_000, () => {
      this.#arm();
      this.#take();
    });
  }

  #take(): void {
    const place = this.#taken % POINTS;
    const now = this.#clock.now();
    const seconds = (now - this.#last) / 1_000;
    for (const track of this.#read(seconds)) track.take(place);
    for (const endpoint of this.#allEndpoints()) this.endpoints.forgetQuiet(endpoint);
    this.at = this.#clock.wallTime();
    this.#times[place] = this.at;
    this.#seconds[place] = seconds;
    this.#last = now;
    this.#taken++;
  }

  /** Writes how everything stands, so many seconds after the last time; yields what was written. */
  #read(seconds: number): Track[] {
    for (const track of [...this.listeners.values(), ...this.clusters.values()]) {
      track.now.fill(0);
      track.open = 0;
    }
    const { instruments, messages } = this.#metrics;
    this.#readDurations(instruments.server, this.listeners, 'listener');
    this.#readDurations(instruments.client, this.clusters, 'cluster');
    for (const session of this.#sessions) {
      if (session.websocket === undefined) continue;
      this.#of(this.listeners, session.connection.listener.name).open++;
      takeRates(session, seconds);
    }
    for (const [listener, { received, sent }] of messages.byListener()) {
      const { now } = this.#of(this.listeners, listener);
      now[RECEIVED] = received;
      now[SENT] = sent;
    }
    const endpoints = this.#readEndpoints();
    return [...this.listeners.values(), ...this.clusters.values(), ...endpoints];
  }

  #readDurations(durations: Declared<Histogram>, into: Map<string, Track>, label: string): void {
    const name = durations.labels.indexOf(label);
    const status = durations.labels.indexOf('http_response_status_code');
    const error = durations.labels.indexOf('error_type');
    for (const { labels, counts } of durations.series) {
      const { now } = this.#of(into, labels[name]!);
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
      const cluster = this.#of(this.clusters, name);
      for (const endpoint of [...endpoints, ...leaving]) {
        cluster.open += endpoint.streams;
        const track = this.endpoints.read(endpoint);
        if (track !== undefined) tracks.push(track);
      }
    }
    return tracks;
  }

  *#allEndpoints(): Iterable<Endpoint> {
    for (const { endpoints, leaving } of this.#sidecar.clusterStates()) {
      yield* endpoints;
      yield* leaving;
    }
  }

  #of(all: Map<string, Track>, name: string): Track {
    let track = all.get(name);
    if (track === undefined) {
      track = new Track(noCounts(this.bounds.length + 1));
      all.set(name, track);
    }
    return track;
  }
}
