import type { Connection, Headers, Session } from '@outrigger/core';
import { newSpanId, newTraceId } from './ids.ts';
import type { Sampler } from './sampler.ts';
import type { SpanParent } from './span.ts';
import {
  flagsOf,
  formatTraceparent,
  isTraceparent,
  isVersion00,
  RANDOM,
  SAMPLED,
  spanIdOf,
  traceIdOf,
} from './trace-context.ts';

export interface PropagationOptions {
  readonly sampler: Sampler;
  readonly trusts: (connection: Connection) => boolean;
  /** Whether somebody records what is sampled. Where nobody does, a context that came passes as it is: we have no span in it. */
  readonly recording: boolean;
}

/**
 * Continues or begins the trace of each session (W3C Trace Context §4.2). On every session's way: where nothing is recorded,
 * no object is made.
 */
export class Propagation {
  readonly #sampler: Sampler;
  readonly #trusts: (connection: Connection) => boolean;
  readonly #recording: boolean;

  constructor({ sampler, trusts, recording }: PropagationOptions) {
    this.#sampler = sampler;
    this.#trusts = trusts;
    this.#recording = recording;
  }

  /**
   * Once per session. Returns what its span hangs on, where it is to be recorded: then each attempt gets a `traceparent` of
   * its own. Else the request's headers already say what goes up.
   */
  begin(session: Session): SpanParent | undefined {
    const { headers } = session.request;
    if (!this.#trusts(session.connection)) {
      removeContext(headers);
      return this.#root(headers);
    }
    const traceparent = headers.get('traceparent');
    if (traceparent === undefined) {
      headers.remove('tracestate');
      return this.#root(headers);
    }
    // More than one, or one that is not valid: as if there were none, and its `tracestate` is void (§4.3).
    if (!isTraceparent(traceparent) || headers.getAll('traceparent').length > 1) {
      headers.remove('traceparent');
      headers.remove('tracestate');
      return this.#root(headers);
    }
    return this.#child(headers, traceparent);
  }

  #root(headers: Headers): SpanParent | undefined {
    const traceId = newTraceId();
    const sampled = this.#sampler.root(traceId);
    if (sampled && this.#recording) {
      return { traceId, spanId: undefined, remote: false, flags: SAMPLED, traceState: '' };
    }
    headers.append('traceparent', formatTraceparent(traceId, newSpanId(), sampled ? SAMPLED : 0));
    return undefined;
  }

  #child(headers: Headers, traceparent: string): SpanParent | undefined {
    const traceId = traceIdOf(traceparent);
    const flags = flagsOf(traceparent);
    const parentSampled = (flags & SAMPLED) !== 0;
    const sampled = this.#sampler.child(traceId, parentSampled);
    const own = (flags & RANDOM) | (sampled ? SAMPLED : 0);
    if (sampled && this.#recording) {
      const traceState = headers.getAll('tracestate').join(',');
      return { traceId, spanId: spanIdOf(traceparent), remote: true, flags: own, traceState };
    }
    if (sampled !== parentSampled) {
      // Who changes the sampled flag changes the span id with it (§3.4).
      headers.set('traceparent', formatTraceparent(traceId, newSpanId(), own));
    } else if (!isVersion00(traceparent)) {
      // What a later version says beyond ours is not passed on (§3.3).
      headers.set('traceparent', formatTraceparent(traceId, spanIdOf(traceparent), own));
    }
    return undefined;
  }
}

/** Whatever a peer that is not trusted says of traces: it would reach the logs and spans of everybody behind us. */
export function removeContext(headers: Headers): void {
  headers.remove('traceparent');
  headers.remove('tracestate');
  headers.remove('baggage');
}
