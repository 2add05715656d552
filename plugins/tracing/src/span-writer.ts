import type { SpanKind } from './span.ts';

/** The name of an attribute, encoded once. */
export type Key = Uint8Array & { readonly __key: true };

/** Encodes an attribute's name: at module level, never on a session's way. */
export function keyOf(name: string): Key {
  const text = Buffer.from(name, 'utf8');
  return Uint8Array.of(KEY, text.length, ...text) as Key;
}

// Tags of OTLP's messages (opentelemetry-proto, trace/v1 and common/v1): field number << 3 | wire type.
const SPAN = (2 << 3) | 2;
const TRACE_ID = (1 << 3) | 2;
const SPAN_ID = (2 << 3) | 2;
const TRACE_STATE = (3 << 3) | 2;
const PARENT_SPAN_ID = (4 << 3) | 2;
const NAME = (5 << 3) | 2;
const SPAN_KIND = 6 << 3;
const START = (7 << 3) | 1;
const END = (8 << 3) | 1;
const ATTRIBUTE = (9 << 3) | 2;
const LINK = (13 << 3) | 2;
const STATUS = (15 << 3) | 2;
const STATUS_CODE = 3 << 3;
const FLAGS = [(((16 << 3) | 5) & 0x7f) | 0x80, 16 >> 4] as const;
const KEY = (1 << 3) | 2;
const VALUE = (2 << 3) | 2;
const STRING_VALUE = (1 << 3) | 2;
const BOOL_VALUE = 2 << 3;
const INT_VALUE = 3 << 3;
const DOUBLE_VALUE = (4 << 3) | 1;
const ARRAY_VALUE = (5 << 3) | 2;
const ITEM = (1 << 3) | 2;
const LINK_FLAGS = (6 << 3) | 5;

/** The length of a span is written when the span is: so much is kept free for it. */
const LENGTH_BYTES = 3;
/** Of a link: two ids with their tags and lengths, and the flags. */
const LINK_BYTES = 18 + 10 + 5;
const ERROR = 2;

/**
 * Writes spans as OTLP's protobuf has them, into a buffer that is used again and again: what is recorded leaves no object behind
 * that a garbage collection would have to find. Written one after the other they are the `spans` of a ScopeSpans. What does not fit
 * is not written, and {@link end} says so. One instance serves all spans; a span is begun, filled in any order, and ended.
 */
export class SpanWriter {
  #bytes: Uint8Array = new Uint8Array(0);
  /** Where the next byte goes; beyond the end where the buffer was too short. */
  at = 0;
  #start = 0;

  /** Begins a span at `at` of `bytes`. */
  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#start = at;
    bytes[at] = SPAN;
    this.at = at + 1 + LENGTH_BYTES;
  }

  /** Ends the span: its length goes in front of it. False where it did not fit; `at` is where the next one may begin. */
  end(): boolean {
    const bytes = this.#bytes;
    if (this.at > bytes.length) return false;
    const from = this.#start + 1 + LENGTH_BYTES;
    const length = this.at - from;
    const size = varintSize(length);
    bytes.copyWithin(this.#start + 1 + size, from, this.at);
    this.at = this.#start + 1;
    this.#varint(length);
    this.at += length;
    return true;
  }

  /** Ids in hexadecimal digits; `flags` as OTLP has them (W3C's, and whether the parent is remote). */
  ids(traceId: string, spanId: string, parentSpanId: string | undefined, traceState: string, flags: number): void {
    this.#hex(TRACE_ID, traceId);
    this.#hex(SPAN_ID, spanId);
    if (parentSpanId !== undefined) this.#hex(PARENT_SPAN_ID, parentSpanId);
    if (traceState !== '') this.#string(TRACE_STATE, traceState);
    this.#byte(FLAGS[0]);
    this.#byte(FLAGS[1]);
    this.#fixed32(flags);
  }

  /** Wall-clock milliseconds with fractions; a span does not end before it began, whatever the clock did. */
  times(startedAt: number, endedAt: number): void {
    this.#time(START, startedAt);
    this.#time(END, Math.max(startedAt, endedAt));
  }

  kind(kind: SpanKind): void {
    this.#byte(SPAN_KIND);
    this.#byte(kind);
  }

  name(name: string): void {
    this.#string(NAME, name);
  }

  /** The status is ERROR; else it is unset. */
  failed(): void {
    this.#byte(STATUS);
    this.#byte(2);
    this.#byte(STATUS_CODE);
    this.#byte(ERROR);
  }

  text(key: Key, value: string): void {
    const bytes = isAscii(value) ? undefined : Buffer.from(value, 'utf8');
    const length = bytes?.length ?? value.length;
    const inner = 1 + varintSize(length) + length;
    this.#attribute(key, inner);
    this.#byte(STRING_VALUE);
    this.#varint(length);
    if (bytes === undefined) this.#ascii(value);
    else this.#copy(bytes);
  }

  number(key: Key, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) {
      this.#attribute(key, 1 + varintSize(value));
      this.#byte(INT_VALUE);
      this.#varint(value);
    } else {
      this.#attribute(key, 9);
      this.#byte(DOUBLE_VALUE);
      this.#double(value);
    }
  }

  /** An array of whole numbers from 0 on. */
  counts(key: Key, values: ArrayLike<number>): void {
    let inner = 0;
    for (let i = 0; i < values.length; i++) inner += 3 + varintSize(values[i]!);
    this.#attribute(key, 1 + varintSize(inner) + inner);
    this.#byte(ARRAY_VALUE);
    this.#varint(inner);
    for (let i = 0; i < values.length; i++) {
      this.#byte(ITEM);
      this.#byte(1 + varintSize(values[i]!));
      this.#byte(INT_VALUE);
      this.#varint(values[i]!);
    }
  }

  /** A link to a span of another trace; ids and flags as {@link ids} takes them. */
  link(traceId: string, spanId: string, flags: number): void {
    this.#byte(LINK);
    this.#byte(LINK_BYTES);
    this.#hex(TRACE_ID, traceId);
    this.#hex(SPAN_ID, spanId);
    this.#byte(LINK_FLAGS);
    this.#fixed32(flags);
  }

  flag(key: Key, value: boolean): void {
    this.#attribute(key, 2);
    this.#byte(BOOL_VALUE);
    this.#byte(value ? 1 : 0);
  }

  /** All of a KeyValue but the AnyValue, which has `inner` bytes. */
  #attribute(key: Key, inner: number): void {
    this.#byte(ATTRIBUTE);
    this.#varint(key.length + 1 + varintSize(inner) + inner);
    this.#copy(key);
    this.#byte(VALUE);
    this.#varint(inner);
  }

  #string(tag: number, value: string): void {
    this.#byte(tag);
    if (isAscii(value)) {
      this.#varint(value.length);
      this.#ascii(value);
    } else {
      const bytes = Buffer.from(value, 'utf8');
      this.#varint(bytes.length);
      this.#copy(bytes);
    }
  }

  #hex(tag: number, digits: string): void {
    this.#byte(tag);
    this.#byte(digits.length >> 1);
    for (let i = 0; i < digits.length; i += 2)
      this.#byte((nibble(digits.charCodeAt(i)) << 4) | nibble(digits.charCodeAt(i + 1)));
  }

  /** Nanoseconds as a fixed64, in halves: a double carries milliseconds since 1970 to a quarter of a microsecond. */
  #time(tag: number, ms: number): void {
    const microseconds = Math.round(ms * 1000);
    const low = (microseconds % TWO_32) * 1000;
    this.#byte(tag);
    this.#fixed32(low % TWO_32);
    this.#fixed32(Math.floor(microseconds / TWO_32) * 1000 + Math.floor(low / TWO_32));
  }

  #double(value: number): void {
    DOUBLE.setFloat64(0, value, true);
    this.#copy(DOUBLE_BYTES);
  }

  #fixed32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#byte((value / 2 ** shift) & 0xff);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  #ascii(value: string): void {
    const bytes = this.#bytes;
    let { at } = this;
    for (let i = 0; i < value.length; i++) bytes[at++] = value.charCodeAt(i);
    this.at = at;
  }

  #copy(from: Uint8Array): void {
    const bytes = this.#bytes;
    let { at } = this;
    for (let i = 0; i < from.length; i++) bytes[at++] = from[i]!;
    this.at = at;
  }

  /** Beyond the end of the buffer this does nothing. */
  #byte(byte: number): void {
    this.#bytes[this.at++] = byte;
  }
}

const TWO_32 = 2 ** 32;
const DOUBLE_BYTES = new Uint8Array(8);
const DOUBLE = new DataView(DOUBLE_BYTES.buffer);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
