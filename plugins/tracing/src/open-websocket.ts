import { type Clock, type Outcome, type Session, type Side, Timer } from '@outrigger/core';
import { type Handshake, SegmentSpan } from './segment-span.ts';
import type { SpanRecord } from './span.ts';

/** An open WebSocket whose handshake was recorded: a {@link SegmentSpan} at a time, and one at its end. */
export class OpenWebSocket extends Timer {
  segment: SegmentSpan;
  readonly #session: Session;
  readonly #handshake: Handshake;
  readonly #clock: Clock;
  readonly #segmentMs: number;
  readonly #sink: (span: SpanRecord) => void;

  /** `segmentMs` is how long a segment lasts; Infinity: as long as the session. */
  constructor(
    session: Session,
    handshake: Handshake,
    clock: Clock,
    segmentMs: number,
    sink: (span: SpanRecord) => void,
  ) {
    super();
    this.#session = session;
    this.#handshake = handshake;
    this.#clock = clock;
    this.#segmentMs = segmentMs;
    this.#sink = sink;
    this.segment = new SegmentSpan(session, handshake, 1, clock.wallTime());
    session.watchSizes((from, bytes) => this.segment.sizes[from].record(bytes));
    clock.arm(this, segmentMs);
  }

  expired(): void {
    const now = this.#clock.wallTime();
    this.segment.end(undefined, now);
    this.#sink(this.segment);
    this.segment = new SegmentSpan(this.#session, this.#handshake, this.segment.number + 1, now);
    this.#clock.arm(this, this.#segmentMs);
  }

  /** A ping was answered. */
  answered(side: Side, rttMs: number): void {
    this.segment.pings[side].record(rttMs);
  }

  /** The session has ended. */
  end(outcome: Outcome): void {
    this.#clock.disarm(this);
    this.segment.end(outcome, this.#clock.wallTime());
    this.#sink(this.segment);
  }
}
