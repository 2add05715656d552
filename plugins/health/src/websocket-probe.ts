import { createHash, randomBytes } from 'node:crypto';
import type { ByteStream } from '@outrigger/core';
import type { ProbeTalk, Verdict } from './probe.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const PING = 0x9;
const PONG = 0xa;
const CLOSE = 0x8;

/** A handshake (RFC 6455 §4), a ping and its pong (§5.5.2), and a Close. What the endpoint says in between is passed over. */
export class WebSocketProbe implements ProbeTalk {
  readonly #path: string;
  readonly #host: string;
  readonly #key = randomBytes(16).toString('base64');
  readonly #payload = randomBytes(4);
  /** Where the next frame begins; 0 before the head is complete. */
  #at = 0;

  constructor(path: string, host: string) {
    this.#path = path;
    this.#host = host;
  }

  begin(stream: ByteStream): Verdict {
    stream.write(
      `GET ${this.#path} HTTP/1.1\r\nhost: ${this.#host}\r\nuser-agent: outrigger-health\r\nconnection: Upgrade\r\n` +
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
      stream.write(masked(PING, this.#payload));
    }
    for (;;) {
      const frame = frameAt(received, this.#at);
      if (frame === undefined) return undefined;
      this.#at = frame.end;
      if (frame.opcode === CLOSE) return 'closed before the pong';
      if (frame.opcode !== PONG || !frame.payload.equals(this.#payload)) continue;
      stream.write(masked(CLOSE, Buffer.from([1000 >> 8, 1000 & 0xff])));
      return '';
    }
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
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function frameAt(b: Buffer, at: number): { opcode: number; payload: Buffer; end: number } | undefined {
  if (b.length < at + 2) return undefined;
  const short = b[at + 1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const from = at + 2 + extended;
  if (b.length < from) return undefined;
  const length = extended === 0 ? short : extended === 2 ? b.readUInt16BE(at + 2) : Number(b.readBigUInt64BE(at + 2));
  if (b.length < from + length) return undefined;
  return { opcode: b[at]! & 0x0f, payload: b.subarray(from, from + length), end: from + length };
}
