import { CHUNKED, type Framing, LENGTH, NO_BODY, UNTIL_CLOSE } from './body-framing.ts';
import { tokens } from './characters.ts';
import { type HeadScanner, isName, MAX_FIELDS } from './head-scanner.ts';
import { statusLine } from './heads.ts';
import { contentLength } from './request-parser.ts';

/**
 * The meaning of a response's head (RFC 9112 §4, §6.3), and the fields as they go down. One instance serves all connections;
 * its results are valid until the next call.
 */
export class ResponseParser {
  status = 0;
  reason = '';
  /** The status line as it goes down, with its CRLF. */
  line = '';
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
  /** The fields as they go down, each with its CRLF. */
  fields = '';

  readonly #drop = new Uint8Array(MAX_FIELDS);

  /**
   * Reads what `scanner` has found in `b`; `head` is the same bytes from `from` on, as latin1. `headRequest`: the answer to
   * a HEAD has no body. `rechunk`: Transfer-Encoding is dropped, for a client of HTTP/1.0. False where it is malformed.
   */
  parse(b: Buffer, from: number, head: string, scanner: HeadScanner, headRequest: boolean, rechunk: boolean): boolean {
    const { startEnd, offsets, count } = scanner;
    // HTTP/1.x SP three digits [SP reason]
    const start = startEnd - from;
    if (start < 12 || !head.startsWith('HTTP/1.') || b[from + 8] !== 32) return false;
    const minor = b[from + 7]! - 48;
    if (minor !== 0 && minor !== 1) return false;
    const hundreds = b[from + 9]! - 48;
    const tens = b[from + 10]! - 48;
    const ones = b[from + 11]! - 48;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return false;
    if (start > 12 && b[from + 12] !== 32) return false;
    this.http10 = minor === 0;
    this.status = hundreds * 100 + tens * 10 + ones;
    this.reason = start > 13 ? head.slice(13, start) : '';
    this.line = minor === 1 && start > 12 ? head.slice(0, start + 2) : statusLine(this.status, this.reason);

    const drop = this.#drop;
    let lengthAt = -1;
    let chunkedAt = -1;
    let close = false;
    let keepAlive = false;
    let connectionUpgrade = false;
    let upgrade = '';
    let named: string[] | undefined;
    let dropped = 0;
    this.length = 0;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
    this.websocketAccept = undefined;
    this.websocketProtocol = undefined;
    this.websocketExtensions = '';
    this.eventStream = false;
    let encoded = false;
    const text = (at: number) => head.slice(offsets[at + 2]! - from, offsets[at + 3]! - from);

    for (let field = 0, at = 0; field < count; field++, at += 4) {
      const name = offsets[at]!;
      drop[field] = 0;
      switch (offsets[at + 1]! - name) {
        case 7:
          if (isName(b, name, 'upgrade')) {
            upgrade = upgrade === '' ? text(at) : `${upgrade},${text(at)}`;
            drop[field] = 1;
          }
          break;
        case 10:
          if (isName(b, name, 'connection')) {
            drop[field] = 1;
            const value = text(at).toLowerCase();
            if (value === 'keep-alive') keepAlive = true;
            else if (value === 'close') close = true;
            else {
              for (const token of tokens(value)) {
                if (token === 'close') close = true;
                else if (token === 'keep-alive') keepAlive = true;
                else if (token === 'upgrade') connectionUpgrade = true;
                else if (!END_TO_END.has(token)) {
                  named ??= [];
                  named.push(token);
                }
              }
            }
          } else if (isName(b, name, 'keep-alive')) {
            drop[field] = 1;
            const timeout = /(?:^|[\s,;])timeout\s*=\s*(\d{1,6})/i.exec(text(at));
            if (timeout) this.keepAliveMs = Number(timeout[1]) * 1000;
          }
          break;
        case 12:
          // The value first: it is seldom this one, and most differ in their first letters.
          if (isName(b, offsets[at + 2]!, EVENT_STREAM) && isName(b, name, 'content-type')) this.eventStream = true;
          break;
        case 14:
          if (isName(b, name, 'content-length')) {
            if (lengthAt !== -1) return false;
            lengthAt = at;
            this.length = contentLength(b, offsets[at + 2]!, offsets[at + 3]!);
            if (this.length === -1) return false;
          }
          break;
        case 16:
          if (isName(b, name, 'proxy-connection')) drop[field] = 1;
          else if (isName(b, name, 'content-encoding')) encoded = true;
          break;
        case 17:
          if (isName(b, name, 'transfer-encoding')) {
            if (chunkedAt !== -1 || minor === 0 || text(at).toLowerCase() !== 'chunked') return false;
            chunkedAt = at;
            if (rechunk) drop[field] = 1;
          }
          break;
        case 20:
          if (isName(b, name, 'sec-websocket-accept'))
            this.websocketAccept = this.websocketAccept === undefined ? text(at) : '';
          break;
        case 22:
          if (isName(b, name, 'sec-websocket-protocol')) {
            this.websocketProtocol = this.websocketProtocol === undefined ? text(at) : '';
          }
          break;
        case 24:
          if (isName(b, name, 'sec-websocket-extensions')) {
            this.websocketExtensions =
              this.websocketExtensions === '' ? text(at) : `${this.websocketExtensions}, ${text(at)}`;
          }
          break;
      }
      dropped += drop[field]!;
    }
    if (chunkedAt !== -1 && lengthAt !== -1) return false;
    if (named !== undefined) {
      for (let field = 0, at = 0; field < count; field++, at += 4) {
        if (
          drop[field] === 0 &&
          named.includes(head.slice(offsets[at]! - from, offsets[at + 1]! - from).toLowerCase())
        ) {
          drop[field] = 1;
          dropped++;
        }
      }
    }
    // These have no body (RFC 9110 §8.6, RFC 9112 §6.1); who believes their framing fields would wait for one.
    if (this.status < 200 || this.status === 204) {
      const at = Math.max(lengthAt, chunkedAt);
      if (at !== -1 && drop[at >> 2] === 0) {
        drop[at >> 2] = 1;
        dropped++;
      }
    }
    if (encoded) this.eventStream = false;
    this.upgrade = connectionUpgrade ? upgrade : '';
    this.keepAlive = minor === 0 ? keepAlive && !close : !close;

    if (headRequest || this.status < 200 || this.status === 204 || this.status === 304) this.framing = NO_BODY;
    else if (chunkedAt !== -1) this.framing = CHUNKED;
    else if (lengthAt === -1) this.framing = UNTIL_CLOSE;
    else this.framing = this.length === 0 ? NO_BODY : LENGTH;

    let fields = '';
    let keep = start + 2;
    if (dropped > 0) {
      for (let field = 0, at = 0; field < count; field++, at += 4) {
        if (drop[field] === 0) continue;
        const line = offsets[at]! - from;
        if (line > keep) fields += head.slice(keep, line);
        keep = field + 1 < count ? offsets[at + 4]! - from : head.length - 2;
      }
    }
    if (head.length - 2 > keep) fields += head.slice(keep, head.length - 2);
    // A 426 has to say what to upgrade to (RFC 9110 §15.5.22).
    if (this.status === 426 && this.upgrade !== '') fields += `upgrade: ${this.upgrade}\r\nconnection: upgrade\r\n`;
    this.fields = fields;
    return true;
  }
}

/** WHATWG HTML, § 9.2. */
const EVENT_STREAM = 'text/event-stream';

/** What an upstream's `Connection` may not name away. */
const END_TO_END = new Set(
  'content-length content-type content-encoding content-range transfer-encoding set-cookie location www-authenticate date cache-control sec-websocket-accept sec-websocket-protocol sec-websocket-extensions'.split(
    ' ',
  ),
);
