import { CHUNKED, type Framing, LENGTH, NO_BODY, UNTIL_CLOSE } from './body-framing.ts';
import { contentLength } from './content-length.ts';
import { FieldNames, spells } from './field-names.ts';
import type { HeadScanner } from './head-scanner.ts';
import { ResponseView, statusLine } from './heads.ts';
import { HopByHop } from './hop-by-hop.ts';

/** What an upstream's `Connection` may not name away. */
const END_TO_END = new Set(
  'content-length content-type content-encoding content-range transfer-encoding set-cookie location www-authenticate date cache-control sec-websocket-accept sec-websocket-protocol sec-websocket-extensions'.split(
    ' ',
  ),
);

/** The names that mean something here. */
export const RESPONSE_NAMES = new FieldNames(
  `upgrade connection keep-alive content-type content-length proxy-connection content-encoding transfer-encoding sec-websocket-accept
  sec-websocket-protocol sec-websocket-extensions`.split(/\s+/),
);

const BLANK = 32;

/** WHATWG HTML, § 9.2. */
const EVENT_STREAM = Buffer.from('text/event-stream');

/**
 * The meaning of a response's head (RFC 9112 §4, §6.3), and the fields as they go down. One instance serves all connections;
 * its results are valid until the next call.
 */
export class ResponseParser {
  /** The head as it goes down, made anew for each response. */
  response = new ResponseView(0, '', '', false);
  status = 0;
  http10 = false;
  framing: Framing = NO_BODY;
  length = 0;
  /** Whether the upstream lets the connection be used again. */
  keepAlive = true;
  /** `Keep-Alive: timeout=`, in milliseconds; Infinity where it says none. */
  keepAliveMs = Number.POSITIVE_INFINITY;
  /** Tokens of `Upgrade`, where `Connection: upgrade` goes with it. */
  upgrade = '';
  websocketAccept: string | undefined = undefined;
  websocketProtocol: string | undefined = undefined;
  websocketExtensions = '';
  /** Whether the body is server-sent events, to be read without decoding. */
  eventStream = false;

  readonly #hop = new HopByHop((name) => END_TO_END.has(name));
  // Numbers of fields; -1 where there is none.
  #lengthAt = -1;
  #chunkedAt = -1;
  #encoded = false;

  /**
   * Reads a head that was found and made text of. `headRequest`: the answer to a HEAD has no body. `rechunk`: Transfer-Encoding
   * is dropped, for a client of HTTP/1.0. False where it is malformed.
   */
  parse(head: HeadScanner, headRequest: boolean, rechunk: boolean): boolean {
    const line = this.#readLine(head);
    if (line === '') return false;
    this.#begin(head.count);
    for (let field = 0; field < head.count; field++) {
      const name = head.names[field]!;
      if (name !== '' && !this.#field(head, field, name)) return false;
    }
    if (this.#chunkedAt !== -1 && this.#lengthAt !== -1) return false;
    this.#frame(headRequest);
    if (rechunk && this.#chunkedAt !== -1) this.#hop.drop(this.#chunkedAt);
    if (this.#encoded) this.eventStream = false;
    if (!this.#hop.upgrade) this.upgrade = '';
    this.keepAlive = this.#hop.keeps(this.http10);
    let fields = this.#hop.endToEnd(head);
    // A 426 has to say what to upgrade to (RFC 9110 §15.5.22).
    if (this.status === 426 && this.upgrade !== '') fields += `upgrade: ${this.upgrade}\r\nconnection: upgrade\r\n`;
    this.response = new ResponseView(this.status, line, fields, false);
    return true;
  }

  /** HTTP/1.x SP three digits [SP reason]: the status line as it goes down; empty where it is malformed. */
  #readLine({ bytes: b, from, startEnd, text }: HeadScanner): string {
    const length = startEnd - from;
    if (length < 12 || !text.startsWith('HTTP/1.') || b[from + 8] !== BLANK) return '';
    const minor = b[from + 7]! - 48;
    if (minor !== 0 && minor !== 1) return '';
    const hundreds = b[from + 9]! - 48;
    const tens = b[from + 10]! - 48;
    const ones = b[from + 11]! - 48;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return '';
    if (length > 12 && b[from + 12] !== BLANK) return '';
    this.http10 = minor === 0;
    this.status = hundreds * 100 + tens * 10 + ones;
    return minor === 1 && length > 12 ? text.slice(0, length + 2) : statusLine(this.status, text.slice(13, length));
  }

  #begin(count: number): void {
    this.#hop.begin(count);
    this.length = 0;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
    this.upgrade = '';
    this.websocketAccept = undefined;
    this.websocketProtocol = undefined;
    this.websocketExtensions = '';
    this.eventStream = false;
    this.#lengthAt = -1;
    this.#chunkedAt = -1;
    this.#encoded = false;
  }

  /** False where the field must not be as it is. */
  #field(head: HeadScanner, field: number, name: string): boolean {
    const hop = this.#hop;
    switch (name) {
      case 'content-length':
        if (this.#lengthAt !== -1) return false;
        this.#lengthAt = field;
        this.length = contentLength(head, field);
        return this.length !== -1;
      case 'content-type':
        if (spells(head.bytes, head.offsets[4 * field + 2]!, EVENT_STREAM)) this.eventStream = true;
        return true;
      case 'content-encoding':
        this.#encoded = true;
        return true;
      case 'transfer-encoding':
        if (this.#chunkedAt !== -1 || this.http10 || head.value(field).toLowerCase() !== 'chunked') return false;
        this.#chunkedAt = field;
        return true;
      case 'connection':
        hop.connection(field, head.value(field));
        return true;
      case 'keep-alive': {
        hop.drop(field);
        const timeout = /(?:^|[\s,;])timeout\s*=\s*(\d{1,6})/i.exec(head.value(field));
        if (timeout) this.keepAliveMs = Number(timeout[1]) * 1000;
        return true;
      }
      case 'proxy-connection':
        hop.drop(field);
        return true;
      case 'upgrade':
        hop.drop(field);
        this.upgrade = this.upgrade === '' ? head.value(field) : `${this.upgrade},${head.value(field)}`;
        return true;
      case 'sec-websocket-accept':
        this.websocketAccept = this.websocketAccept === undefined ? head.value(field) : '';
        return true;
      case 'sec-websocket-protocol':
        this.websocketProtocol = this.websocketProtocol === undefined ? head.value(field) : '';
        return true;
      case 'sec-websocket-extensions': {
        const value = head.value(field);
        this.websocketExtensions = this.websocketExtensions === '' ? value : `${this.websocketExtensions}, ${value}`;
        return true;
      }
      default:
        return true;
    }
  }

  /** How the body's end is known (RFC 9112 §6.3). */
  #frame(headRequest: boolean): void {
    const { status } = this;
    const bodiless = status < 200 || status === 204;
    // These have no body (RFC 9110 §8.6, RFC 9112 §6.1); who believes their framing fields would wait for one.
    const at = Math.max(this.#lengthAt, this.#chunkedAt);
    if (bodiless && at !== -1) this.#hop.drop(at);
    if (bodiless || headRequest || status === 304) this.framing = NO_BODY;
    else if (this.#chunkedAt !== -1) this.framing = CHUNKED;
    else if (this.#lengthAt === -1) this.framing = UNTIL_CLOSE;
    else this.framing = this.length === 0 ? NO_BODY : LENGTH;
  }
}
