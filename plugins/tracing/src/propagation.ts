import type { Connection, HeaderOverlay, Headers, Session } from '@outrigger/core';
import { newSpanId, newTraceparent } from './ids.ts';
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

// Of a trace id in the line.
const TRACE_ID_START = 'traceparent: 00-'.length;
const TRACE_ID_END = TRACE_ID_START + 32;

/** How trace context comes in and goes up. */
export interface Propagation {
  /**
   * Once per session, on its way. Returns what its span hangs on, where it is sampled: then each attempt gets a context of its own
   * by {@link inject}. Else the request's headers already say what goes up.
   */
  begin(session: Session): SpanParent | undefined;
  /** Once per attempt of a session that is sampled: says in its headers that `spanId` is the caller. */
  inject(headers: HeaderOverlay, traceId: string, spanId: string, flags: number): void;
}

export interface PropagationOptions {
  readonly sampler: Sampler;
  readonly trusts: (connection: Connection) => boolean;
}

/** W3C Trace Context (§4.2) alone, as it is by default. Where nothing is sampled, no object is made. */
export class W3cPropagation implements Propagation {
  readonly #sampler: Sampler;
  readonly #trusts: (connection: Connection) => boolean;

  constructor({ sampler, trusts }: PropagationOptions) {
    this.#sampler = sampler;
    this.#trusts = trusts;
  }

  begin(session: Session): SpanParent | undefined {
    const { headers } = session.request;
    if (!this.#trusts(session.connection)) {
      removeContext(headers);
      return this.#root(headers);
    }
    const traceparent = headers.get('traceparent');
    if (traceparent !== undefined && isOnlyValid(headers, traceparent)) return this.#child(headers, traceparent);
    // As if there were none, and its `tracestate` is void (§4.3).
    if (traceparent !== undefined) headers.remove('traceparent');
    if (headers.has('tracestate')) headers.remove('tracestate');
    return this.#root(headers);
  }

  #root(headers: Headers): SpanParent | undefined {
    const traceparent = newTraceparent();
    const traceId = traceparent.text.slice(TRACE_ID_START, TRACE_ID_END);
    const sampled = this.#sampler.root(traceId);
    if (sampled) return { traceId, spanId: undefined, remote: false, flags: SAMPLED, traceState: '' };
    headers.append(traceparent);
    return undefined;
  }

  #child(headers: Headers, traceparent: string): SpanParent | undefined {
    const traceId = traceIdOf(traceparent);
    const flags = flagsOf(traceparent);
    const parentSampled = (flags & SAMPLED) !== 0;
    const sampled = this.#sampler.child(traceId, parentSampled);
    const own = (flags & RANDOM) | (sampled ? SAMPLED : 0);
    if (sampled) {
      const traceState = headers.getAll('tracestate').join(',');
      return { traceId, spanId: spanIdOf(traceparent), remote: true, flags: own, traceState };
    }
    if (parentSampled) {
      // Who changes the sampled flag changes the span id with it (§3.4).
      headers.set('traceparent', formatTraceparent(traceId, newSpanId(), own));
    } else if (!isVersion00(traceparent)) {
      // What a later version says beyond ours is not passed on (§3.3).
      headers.set('traceparent', formatTraceparent(traceId, spanIdOf(traceparent), own));
    }
    return undefined;
  }

  inject(headers: HeaderOverlay, traceId: string, spanId: string, flags: number): void {
    headers.set('traceparent', formatTraceparent(traceId, spanId, flags));
  }
}

/** Whether `traceparent` is the only one, and valid. */
export function isOnlyValid(headers: Headers, traceparent: string): boolean {
  return isTraceparent(traceparent) && headers.getAll('traceparent').length === 1;
}

/** Whatever a peer that is not trusted says of traces: it would reach the logs and spans of everybody behind us. */
export function removeContext(headers: Headers): void {
  headers.remove('traceparent');
  headers.remove('tracestate');
  headers.remove('baggage');
}
