/** WebSocket frames by hand, for tests that split and mix them. */
export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export function frame(
  opcode: number,
  payload: Buffer | string,
  options: { fin?: boolean; masked?: boolean; rsv1?: boolean } = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const { fin = true, masked = false, rsv1 = false } = options;
  const length = bytes.length;
  const head = [(fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 255);
  else head.push(mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  if (!masked) return Buffer.concat([Buffer.from(head), bytes]);
  const key = [0x12, 0x34, 0x56, 0x78];
  return Buffer.concat([Buffer.from([...head, ...key]), bytes.map((byte, i) => byte ^ key[i & 3]!)]);
}

/** The frames of `bytes`, which must be whole and well-formed. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const fin = (bytes[at]! & 0x80) !== 0;
    const opcode = bytes[at]! & 0x0f;
    if ((opcode > 2 && opcode < 8) || opcode > 10) throw new Error(`no opcode: ${opcode} at ${at}`);
    const masked = (bytes[at + 1]! & 0x80) !== 0;
    let length = bytes[at + 1]! & 0x7f;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const key = masked ? bytes.subarray(at, at + 4) : undefined;
    if (masked) at += 4;
    if (at + length > bytes.length) throw new Error('a frame is not whole');
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (key !== undefined) for (let i = 0; i < length; i++) payload[i]! ^= key[i & 3]!;
    frames.push({ fin, opcode, payload });
    at += length;
  }
  return frames;
}

/** The whole frames at the start of `bytes`. */
export function framesOfSoFar(bytes: Buffer): Frame[] {
  for (let end = bytes.length; end >= 0; end--) {
    try {
      return framesOf(bytes.subarray(0, end));
    } catch (error) {
      if (!/not whole|range/i.test(String(error)) && bytes.length - end > 14) throw error;
    }
  }
  return [];
}

/** The messages in `frames`, their fragments joined; a fragment out of place is an error. */
export function messagesOf(frames: Frame[]): string[] {
  const messages: string[] = [];
  let open: string | undefined;
  for (const { opcode, fin, payload } of frames) {
    if (opcode >= 8) continue;
    if ((opcode === 0) !== (open !== undefined)) throw new Error('a message within a message');
    open = (open ?? '') + payload.toString();
    if (!fin) continue;
    messages.push(open);
    open = undefined;
  }
  return messages;
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const HANDSHAKE = `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
export const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';
