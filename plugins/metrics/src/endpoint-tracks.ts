import type { Endpoint } from '@outrigger/core';
import { noCounts } from './attempt-counts.ts';
import { POINTS, Track } from './track.ts';

/** The courses of endpoints that were used in the last minutes: of the others nothing is kept, nor of those that are gone. */
export class EndpointTracks {
  readonly #buckets: number;
  // An endpoint that is listed anew may be another one, whose counts begin at 0.
  readonly #tracks = new WeakMap<Endpoint, Track>();

  /** `buckets` of the durations. */
  constructor(buckets: number) {
    this.#buckets = buckets;
  }

  of(endpoint: Endpoint): Track | undefined {
    return this.#tracks.get(endpoint);
  }

  /** How an endpoint stands; undefined where there is nothing to follow. */
  read(endpoint: Endpoint): Track | undefined {
    let track = this.#tracks.get(endpoint);
    if (track === undefined) {
      if (endpoint.attemptCounts === undefined && endpoint.streams === 0) return undefined;
      endpoint.attemptCounts ??= noCounts(this.#buckets);
      track = new Track(endpoint.attemptCounts);
      this.#tracks.set(endpoint, track);
    }
    track.open = endpoint.streams;
    return track;
  }

  /** Forgets an endpoint whose points say nothing any more. To be asked when a point was taken: nothing is counted since. */
  forgetQuiet(endpoint: Endpoint): void {
    const track = this.#tracks.get(endpoint);
    if (track === undefined || track.quiet < POINTS) return;
    this.#tracks.delete(endpoint);
    endpoint.attemptCounts = undefined;
  }
}
