import { flushOutbox } from './outbox.ts';

/** What fills the shared buffer, and a head in front of it. */
export const ARENA_SIZE = 96 * 1024;

/** Memory that lent bytes are copied to on their way out, used again and again: a piece lives to the end of the turn at most. */
let memory = Buffer.allocUnsafeSlow(ARENA_SIZE);
let used = 0;
/** Pieces that have not been handed to the kernel. */
let held = 0;
/** Whether the kernel has left some of a piece to libuv, which reads it later: then the memory is its own from now on. */
let lost = false;

/** Copies `head`, which is latin1, and `[from, to)` of `buffer`. Call {@link pieceSent} when the piece has been written. */
export function pieceOf(head: string, buffer: Buffer, from: number, to: number): Buffer {
  const length = head.length + to - from;
  if (used + length > ARENA_SIZE) flushOutbox();
  const start = used;
  used += length;
  held++;
  return fill(memory.subarray(start, used), head, buffer, from, to);
}

/** The piece has been written; `waits`: not all of it is with the kernel. */
export function pieceSent(waits: boolean): void {
  lost ||= waits;
  if (--held > 0) return;
  if (lost) memory = Buffer.allocUnsafeSlow(ARENA_SIZE);
  lost = false;
  used = 0;
}

/** As {@link pieceOf}, in memory of its own. */
export function copyOf(head: string, buffer: Buffer, from: number, to: number): Buffer {
  return fill(Buffer.allocUnsafeSlow(head.length + to - from), head, buffer, from, to);
}

function fill(bytes: Buffer, head: string, buffer: Buffer, from: number, to: number): Buffer {
  if (head !== '') bytes.write(head, 0, 'latin1');
  buffer.copy(bytes, head.length, from, to);
  return bytes;
}
