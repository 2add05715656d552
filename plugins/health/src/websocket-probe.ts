import { createHash, randomBytes } from 'node:crypto';
import type { ByteStream } from '@outrigger/core';
import type { ProbeTalk, Verdict } from './probe.ts';
import type { HealthSettings } from './settings.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CONTINUATION = 0x0;
const TEXT = 0x1;
const PING = 0x9;
const PONG = 0xa;
const CLOSE = 0x8;

/**
 * A handshake (RFC 6455 §4), a ping and its pong (§5.5.2), and a Close; where it is asked for, a message of ours, and one of the
 * endpoint with the text that is expected. What else the endpoint says is passed over.
 */
export class WebSocketProbe implements ProbeTalk {
  readonly #settings: NonNullable<HealthSettings['websocket']>;
  readonly #host: string;
  readonly #key = randomBytes(16).toString('base64');
  readonly #payload = randomBytes(4);
  /** Where the next frame begins; 0 before the head is complete. */
  #at = 0;
  /** The message that is coming in. */
  #message: Buffer[] = [];
  #ponged = false;
  #answered: boolean;

  constructor(settings: NonNullable<HealthSettings['websocket']>, host: string) {
    this.#settings = settings;
    this.#host = host;
    this.#answered = settings.expect === undefined;
  }

  begin(stream: ByteStream): Verdict {
    stream.write(
      `GET ${this.#settings.path} HTTP/1.1\r\nhost: ${this.#host}\r\nuser-agent: outrigger-health\r\nconnection: Upgrade\r\n` +
        `upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${this.#key}\r\n\r\n`,
    );
    return undefined;
  }

  bytes(received: Buffer, stream: ByteStream): Verdict {
    if (this.#at === 0) {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return undefined;
      const wrong = this.#wrongHead(received.toString('latin1', 0, end + 2));
      if (wrong !== undefined) return wrong;
      this.#at = end + 4;
      const { send } = this.#settings;
      if (send !== undefined) stream.write(masked(TEXT, Buffer.from(send)));
      stream.write(masked(PING, this.#payload));
    }
    for (;;) {
      const frame = frameAt(received, this.#at);
      if (frame === undefined) return undefined;
      this.#at = frame.end;
      if (frame.opcode === CLOSE) return this.#ponged ? 'closed before the answer' : 'closed before the pong';
      if (frame.opcode === PONG) this.#ponged ||= frame.payload.equals(this.#payload);
      else if (frame.opcode < CLOSE) this.#data(frame);
      if (!this.#ponged || !this.#answered) continue;
      stream.write(masked(CLOSE, Buffer.from([1000 >> 8, 1000 & 0xff])));
      return '';
    }
  }

  #data({ opcode, fin, payload }: Frame): void {
    if (this.#answered) return;
    if (opcode !== CONTINUATION) this.#message = [];
    this.#message.push(payload);
    if (fin) this.#answered = Buffer.concat(this.#message).includes(this.#settings.expect!);
  }

  #wrongHead(head: string): string | undefined {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (status !== '101') return status === undefined ? 'the answer is not HTTP/1.1' : `status ${status}`;
    const accept = createHash('sha1')
      .update(this.#key + GUID)
      .digest('base64');
    const told = /\r\nsec-websocket-accept:[ \t]*(\S+)[ \t]*\r\n/i.exec(head)?.[1];
    return told === accept ? undefined : 'a 101 that accepts another key';
  }
}

/** A frame of a client, which has to be masked; with zeros, since what is in it is no secret. */
function masked(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size, 0, 0, 0, 0]), payload]);
}

interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  readonly end: number;
}

function frameAt(b: Buffer, at: number): Frame | undefined {
  if (b.length < at + 2) return undefined;
  const short = b[at + 1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const from = at + 2 + extended;
  if (b.length < from) return undefined;
  const length = extended === 0 ? short : extended === 2 ? b.readUInt16BE(at + 2) : Number(b.readBigUInt64BE(at + 2));
  if (b.length < from + length) return undefined;
  const opcode = b[at]! & 0x0f;
  return { fin: (b[at]! & 0x80) !== 0, opcode, payload: b.subarray(from, from + length), end: from + length };
}
