import type { Message } from '@outrigger/core';
import type { SegmentSpan } from './segment-span.ts';
import { SpanKind, SpanRecord } from './span.ts';
import { keyOf, type SpanWriter } from './span-writer.ts';

const DIRECTION = keyOf('network.io.direction');
const SIZE = keyOf('outrigger.websocket.message.size');
const TYPE = keyOf('outrigger.websocket.message.type');

/** One WebSocket message that was sampled, as it came: a point in time within its segment. */
export class MessageSpan extends SpanRecord {
  readonly kind = SpanKind.INTERNAL;
  readonly #received: boolean;
  readonly #binary: boolean;
  readonly #size: number;

  /** `at` in wall-clock milliseconds. */
  constructor(segment: SegmentSpan, message: Message, at: number) {
    const { traceId, flags } = segment.parent;
    super({ traceId, spanId: segment.spanId, remote: false, flags, traceState: '' }, at);
    this.endedAt = at;
    this.#received = message.from === 'downstream';
    this.#binary = message.binary;
    this.#size = message.data.length;
  }

  protected describe(out: SpanWriter): void {
    out.name('websocket message');
    out.text(DIRECTION, this.#received ? 'receive' : 'transmit');
    out.text(TYPE, this.#binary ? 'binary' : 'text');
    out.number(SIZE, this.#size);
  }
}
