import { type Cause, type Clock, type EventStreamControl, Timer } from '@outrigger/core';

const LF = 10;
const CR = 13;

/** A comment line, and the blank line that keeps it from the next event (WHATWG HTML §9.2.6, and its advice in §9.2.7). */
const COMMENT = Buffer.from(': keepalive\n\n', 'latin1');

/** So long an event that has begun may take to become whole, before the stream is cut within it. */
const EVENT_TIMEOUT_MS = 5_000;

/** Where the bytes of an {@link EventStream} go. */
export interface EventSink {
  /** Lent bytes. */
  write(b: Buffer, from: number, to: number): void;
  /** The stream ends here, behind a whole event. */
  end(cause: Cause): void;
  /** The stream ends within an event. */
  cut(cause: Cause): void;
}

/** Server-sent events on their way down: knows where one ends, so that something can stand there, or nothing more come. */
export class EventStream extends Timer implements EventStreamControl {
  lastByteAt: number;
  readonly #clock: Clock;
  readonly #sink: EventSink;
  /** The last bytes that went down, the newest one in the lowest place. A stream begins where an event may. */
  #tail = (LF << 8) | LF;
  #closing: Cause | undefined;
  #over = false;

  constructor(clock: Clock, sink: EventSink) {
    super();
    this.#clock = clock;
    this.#sink = sink;
    this.lastByteAt = clock.now();
  }

  /** Takes lent bytes. What comes behind the end is nobody's. */
  write(b: Buffer, from: number, to: number): void {
    if (this.#over) return;
    this.lastByteAt = this.#clock.now();
    if (this.#closing !== undefined) return this.#writeLast(b, from, to);
    for (let i = Math.max(from, to - 3); i < to; i++) this.#tail = (this.#tail << 8) | b[i]!;
    this.#sink.write(b, from, to);
  }

  comment(): boolean {
    if (this.#over || this.#closing !== undefined || !this.#betweenEvents) return false;
    this.write(COMMENT, 0, COMMENT.length);
    return true;
  }

  /** Ends the stream behind the event that is under way. Who may not go on (`expired`) gets no more of it. */
  close(cause: Cause): void {
    if (this.#over || this.#closing !== undefined) return;
    if (this.#betweenEvents) return this.#end(cause);
    if (cause === 'expired') return this.#sink.cut(cause);
    this.#closing = cause;
    this.#clock.arm(this, EVENT_TIMEOUT_MS);
  }

  expired(): void {
    this.#sink.cut(this.#closing!);
  }

  /** The rest of the current event, and nothing behind it. */
  #writeLast(b: Buffer, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      this.#tail = (this.#tail << 8) | b[i]!;
      if (!this.#betweenEvents) continue;
      this.#sink.write(b, from, i + 1);
      return this.#end(this.#closing!);
    }
    this.#sink.write(b, from, to);
  }

  #end(cause: Cause): void {
    this.stop();
    this.#sink.end(cause);
  }

  /** The session is over, whoever has ended it: nothing more goes down. */
  stop(): void {
    this.#over = true;
    this.#clock.disarm(this);
  }

  /** Whether the last line is blank: lines end with CRLF, LF or CR. */
  get #betweenEvents(): boolean {
    const last = this.#tail & 0xff;
    const beforeLast = (this.#tail >> 8) & 0xff;
    if (last === LF && beforeLast === CR) return isLineEnd((this.#tail >> 16) & 0xff);
    return isLineEnd(last) && isLineEnd(beforeLast);
  }
}

function isLineEnd(byte: number): boolean {
  return byte === LF || byte === CR;
}
