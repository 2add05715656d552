import type { MessageCounter, Side } from './session.ts';

/** Upper bounds of the sizes of WebSocket messages, in bytes, inclusive; one more bucket takes what is above. */
export const MESSAGE_SIZE_BOUNDS = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;

/** The index of the bucket of a size: each bound is four times the one before, which are two bits. */
export function messageSizeBucket(bytes: number): number {
  if (bytes <= 64) return 0;
  return bytes > 1_048_576 ? 8 : (27 - Math.clz32(bytes - 1)) >> 1;
}

const BUCKETS = MESSAGE_SIZE_BOUNDS.length + 1;
/** RFC 6455 §5.2: four bits. */
const OPCODES = 16;

/**
 * Counts WebSocket messages, and the Pings and Pongs that are passed on, by side, opcode (RFC 6455 §11.8) and size. Many sessions
 * count into the same one, which grows while they are open: a message costs two additions.
 */
export class MessageTally implements MessageCounter {
  readonly #counts = new Float64Array(2 * OPCODES * BUCKETS);
  readonly #bytes = new Float64Array(2 * OPCODES);

  /** `bytes` of payload, as they travelled. On each message's way. */
  count(from: Side, opcode: number, bytes: number): void {
    const row = rowOf(from, opcode);
    this.#counts[row * BUCKETS + messageSizeBucket(bytes)]!++;
    this.#bytes[row]! += bytes;
  }

  /** How many there were, by {@link MESSAGE_SIZE_BOUNDS}. A view: it goes on counting. */
  sizes(from: Side, opcode: number): Float64Array {
    const row = rowOf(from, opcode);
    return this.#counts.subarray(row * BUCKETS, (row + 1) * BUCKETS);
  }

  bytes(from: Side, opcode: number): number {
    return this.#bytes[rowOf(from, opcode)]!;
  }
}

function rowOf(from: Side, opcode: number): number {
  return from === 'downstream' ? opcode : OPCODES + opcode;
}
