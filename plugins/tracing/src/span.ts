import { newSpanId } from './ids.ts';
import type { SpanWriter } from './span-writer.ts';

/** What places a span in its trace. */
export interface SpanParent {
  readonly traceId: string;
  /** Undefined: the trace begins here. */
  readonly spanId: string | undefined;
  /** Whether the parent is another process's. */
  readonly remote: boolean;
  /** What goes up with the trace id: SAMPLED, and RANDOM and B3's DEBUG where they came with it. */
  readonly flags: number;
  /** The `tracestate` that came, empty where none did. */
  readonly traceState: string;
}

/** OTLP's SpanKind. */
export const SpanKind = { INTERNAL: 1, SERVER: 2, CLIENT: 3 } as const;
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind];

/** OTLP's SpanFlags, beside W3C's eight bits: the parent, or the span that is linked, is this process's own. */
export const LOCAL = 0x100;
const REMOTE = 0x300;
const W3C_FLAGS = 0xff;

/**
 * A span as it is recorded: plain fields, set on a session's way, and written as OTLP has them behind it, when it has ended. Whatever else is to
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
    out.ids(traceId, this.spanId, spanId, traceState, (flags & W3C_FLAGS) | (remote ? REMOTE : LOCAL));
    out.times(this.startedAt, this.endedAt);
    out.kind(this.kind);
    this.describe(out);
  }

  /** Writes its name, its attributes, and whether it failed. */
  protected abstract describe(out: SpanWriter): void;
}
