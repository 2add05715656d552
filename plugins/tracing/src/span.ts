import type { Attributes, SpanKind } from '@opentelemetry/api';
import { newSpanId } from './ids.ts';

/** What places a span in its trace. */
export interface SpanParent {
  readonly traceId: string;
  /** Undefined: the trace begins here. */
  readonly spanId: string | undefined;
  /** Whether the parent is another process's. */
  readonly remote: boolean;
  /** Of our own `traceparent`: SAMPLED, and RANDOM where the trace id came with it. */
  readonly flags: number;
  /** The `tracestate` that came, empty where none did. */
  readonly traceState: string;
}

/** What a span says, made when it is exported. */
export interface SpanContent {
  readonly name: string;
  readonly attributes: Attributes;
  /** Whether its status is ERROR; else it is unset. */
  readonly error: boolean;
}

/**
 * A span as it is recorded: plain fields, set on a session's way. What they mean to OpenTelemetry is said in `describe`,
 * which is called once, in bulk, off that way. Whatever else is to become a span extends it.
 */
export abstract class SpanRecord {
  abstract readonly kind: SpanKind;
  readonly parent: SpanParent;
  readonly spanId = newSpanId();
  /** Wall-clock milliseconds since 1970, with fractions. */
  readonly startedAt: number;
  endedAt = 0;

  constructor(parent: SpanParent, startedAt: number) {
    this.parent = parent;
    this.startedAt = startedAt;
  }

  abstract describe(): SpanContent;
}
