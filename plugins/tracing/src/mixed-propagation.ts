import type { Connection, HeaderOverlay, Headers, Session } from '@outrigger/core';
import { B3_HEADERS, DEBUG, readB3, writeB3, writeB3Multi } from './b3.ts';
import { newSpanId, newTraceId } from './ids.ts';
import { isOnlyValid, type Propagation, type PropagationOptions, removeContext } from './propagation.ts';
import type { Sampler } from './sampler.ts';
import type { SpanParent } from './span.ts';
import { flagsOf, formatTraceparent, SAMPLED, spanIdOf, traceIdOf } from './trace-context.ts';

export type ContextFormat = 'tracecontext' | 'b3' | 'b3multi';

interface Incoming {
  /** Undefined: only a decision came. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Undefined: the decision is left to us. */
  readonly flags: number | undefined;
  readonly traceState: string;
}

/**
 * Any set of formats, or none: all that came are read, in their order (of several that are valid the last one holds, as
 * OpenTelemetry's composite propagator has it), and what goes up is written anew in each of them. Headers of formats that are not
 * in the set pass untouched.
 */
export class MixedPropagation implements Propagation {
  readonly #formats: readonly ContextFormat[];
  readonly #w3c: boolean;
  readonly #b3: boolean;
  readonly #sampler: Sampler;
  readonly #trusts: (connection: Connection) => boolean;

  constructor({ sampler, trusts }: PropagationOptions, formats: readonly ContextFormat[]) {
    this.#sampler = sampler;
    this.#trusts = trusts;
    this.#formats = formats;
    this.#w3c = formats.includes('tracecontext');
    this.#b3 = formats.includes('b3') || formats.includes('b3multi');
  }

  begin(session: Session): SpanParent | undefined {
    const { headers } = session.request;
    const incoming = this.#trusts(session.connection) ? this.#read(headers) : void removeContext(headers);
    this.#remove(headers, incoming);
    const traceId = incoming?.traceId ?? newTraceId();
    const decided = incoming?.flags;
    const sampled =
      decided === undefined ? this.#sampler.root(traceId) : this.#sampler.child(traceId, (decided & SAMPLED) !== 0);
    const flags = ((decided ?? 0) & ~(SAMPLED | DEBUG)) | (sampled ? SAMPLED | ((decided ?? 0) & DEBUG) : 0);
    const spanId = incoming?.spanId;
    if (sampled) {
      return { traceId, spanId, remote: spanId !== undefined, flags, traceState: incoming?.traceState ?? '' };
    }
    // Who no longer samples changes the span id with the flag (W3C Trace Context §3.4); what came unsampled keeps it.
    const kept = decided !== undefined && (decided & SAMPLED) === 0 ? spanId : undefined;
    this.inject(headers, traceId, kept ?? newSpanId(), flags);
    return undefined;
  }

  inject(headers: Headers | HeaderOverlay, traceId: string, spanId: string, flags: number): void {
    for (const format of this.#formats) {
      if (format === 'tracecontext') headers.set('traceparent', formatTraceparent(traceId, spanId, flags));
      else if (format === 'b3') writeB3(headers, traceId, spanId, flags);
      else writeB3Multi(headers, traceId, spanId, flags);
    }
  }

  #read(headers: Headers): Incoming | undefined {
    let incoming: Incoming | undefined;
    for (const format of this.#formats) {
      const read = format === 'tracecontext' ? readW3c(headers) : readB3(headers);
      // A decision without a trace says nothing of one that came in another format.
      if (read !== undefined && (read.traceId !== undefined || incoming === undefined))
        incoming = { traceState: '', ...read };
    }
    return incoming;
  }

  /** What will be written anew, or is void; `tracestate` belongs to a `traceparent` that is continued. */
  #remove(headers: Headers, incoming: Incoming | undefined): void {
    if (this.#w3c) {
      headers.remove('traceparent');
      if (incoming === undefined || incoming.traceState === '') headers.remove('tracestate');
    }
    if (this.#b3) for (const name of B3_HEADERS) headers.remove(name);
  }
}

function readW3c(headers: Headers): Incoming | undefined {
  const traceparent = headers.get('traceparent');
  if (traceparent === undefined || !isOnlyValid(headers, traceparent)) return undefined;
  return {
    traceId: traceIdOf(traceparent),
    spanId: spanIdOf(traceparent),
    flags: flagsOf(traceparent),
    traceState: headers.getAll('tracestate').join(','),
  };
}
