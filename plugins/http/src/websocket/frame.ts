import { randomFillSync } from 'node:crypto';

/** Opcodes (RFC 6455 §5.2). */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A control frame's payload (RFC 6455 §5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

/** A whole frame of ours; masked with a fresh random key where it goes to a server (RFC 6455 §5.3). */
export function encodeFrame(opcode: number, payload: Buffer, masked: boolean): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = 2 + extended + (masked ? 4 : 0);
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x80 | opcode;
  frame[1] = (masked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  else if (extended === 8) {
    frame.writeUInt32BE(Math.floor(length / 0x1_0000_0000), 2);
    frame.writeUInt32BE(length >>> 0, 6);
  }
  payload.copy(frame, header);
  if (masked) {
    randomFillSync(frame, header - 4, 4);
    for (let i = 0; i < length; i++) frame[header + i]! ^= frame[header - 4 + (i & 3)]!;
  }
  return frame;
}

/** The payload of a Close: a code, or none where `code` is 1005. */
export function closePayload(code: number, reason: string): Buffer {
  if (code === 1005) return Buffer.alloc(0);
  const text = Buffer.from(reason, 'utf8');
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return payload;
}

/** Reads the head of a frame; its results are valid until the next call. */
export class FrameHeader {
  fin = false;
  rsv = 0;
  opcode = 0;
  masked = false;
  length = 0;

  /** Bytes of the header at `from`, 0 where more are needed, -1 where its length is not minimal or not a number we can hold. */
  read(b: Buffer, from: number, to: number): number {
    if (to - from < 2) return 0;
    const first = b[from]!;
    const second = b[from + 1]!;
    this.fin = (first & 0x80) !== 0;
    this.rsv = first & 0x70;
    this.opcode = first & 0x0f;
    this.masked = (second & 0x80) !== 0;
    const mask = this.masked ? 4 : 0;
    const short = second & 0x7f;
    if (short < 126) {
      this.length = short;
      return to - from < 2 + mask ? 0 : 2 + mask;
    }
    if (short === 126) {
      if (to - from < 4 + mask) return 0;
      this.length = b.readUInt16BE(from + 2);
      return this.length < 126 ? -1 : 4 + mask;
    }
    if (to - from < 10 + mask) return 0;
    const high = b.readUInt32BE(from + 2);
    if (high > 0x1f_ffff) return -1;
    this.length = high * 0x1_0000_0000 + b.readUInt32BE(from + 6);
    return this.length < 65_536 ? -1 : 10 + mask;
  }
}
