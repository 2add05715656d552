import type { SpanKind } from '@opentelemetry/api';
import { newSpanId } from './ids.ts';
import type { SpanWriter } from './span-writer.ts';

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

// OTLP's SpanFlags, beside W3C's eight bits: whether it is known that the parent is remote, and whether it is.
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/**
 * A span as it is recorded: plain fields, set on a session's way, and written as OTLP has them when it ends. Whatever else is to
 * become a span extends it.
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

  /** Writes all of it, once it has ended. */
  write(out: SpanWriter): void {
    const { traceId, spanId, traceState, flags, remote } = this.parent;
    out.ids(traceId, this.spanId, spanId, traceState, flags | HAS_IS_REMOTE | (remote ? IS_REMOTE : 0));
    out.times(this.startedAt, this.endedAt);
    out.kind(this.kind);
    this.describe(out);
  }

  /** Writes its name, its attributes, and whether it failed. */
  protected abstract describe(out: SpanWriter): void;
}
