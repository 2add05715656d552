import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** What a name server says: records with their TTL in seconds, a response code (RFC 1035 §4.1.1), or nothing. */
export type Said =
  | { readonly addresses: readonly string[]; readonly ttl: number }
  | 'SERVFAIL'
  | 'NXDOMAIN'
  | 'silence';

const A = 1;
const AAAA = 28;
const CODES = { SERVFAIL: 2, NXDOMAIN: 3 } as const;

/** A name server over UDP, for one name. */
export class DnsResponder {
  /** To be changed by the test. */
  readonly says: { a: Said; aaaa: Said };
  /** Questions so far. */
  asked = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket, says: { a: Said; aaaa: Said }) {
    this.#socket = socket;
    this.says = says;
    socket.on('message', (query, from) => this.#answer(query, from));
  }

  static async start(a: Said, aaaa: Said): Promise<DnsResponder> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsResponder(socket, { a, aaaa });
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    this.asked++;
    // One question: labels up to a zero, type, class.
    let end = 12;
    while (query[end] !== 0) end += query[end]! + 1;
    const type = query.readUInt16BE(end + 1);
    const said = type === A ? this.says.a : this.says.aaaa;
    if (said === 'silence') return;
    const records = typeof said === 'object' ? said.addresses.map((address) => record(address, said.ttl)) : [];
    const head = Buffer.from(query.subarray(0, 12));
    // A response, with recursion wanted and available.
    head.writeUInt16BE(0x8180 | (typeof said === 'object' ? 0 : CODES[said]), 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.concat([head, query.subarray(12, end + 5), ...records]);
    this.#socket.send(answer, from.port, from.address);
  }
}

function record(address: string, ttl: number): Buffer {
  const v6 = isIPv6(address);
  const data = v6 ? groups(address) : Buffer.from(address.split('.').map(Number));
  // The name is that of the question, by a pointer (RFC 1035 §4.1.4).
  const head = Buffer.from([0xc0, 12, 0, v6 ? AAAA : A, 0, 1, 0, 0, 0, 0, 0, data.length]);
  head.writeUInt32BE(ttl, 6);
  return Buffer.concat([head, data]);
}

/** `fd00::1` and the like: one `::`. */
function groups(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const words = (text: string) => text.split(':').filter(Boolean);
  const zeros = 8 - words(before).length - words(after).length;
  const all = [...words(before), ...Array.from({ length: zeros }, () => '0'), ...words(after)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
