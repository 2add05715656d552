import { type Cause, isToken, latin1 } from '@outrigger/core';
import { hostOf, sameAuthority } from './authority.ts';
import { CHUNKED, type Framing, LENGTH, NO_BODY } from './body-framing.ts';
import { TARGET, TOKEN, tokens } from './characters.ts';
import { bitOf, FieldLines } from './field-lines.ts';
import type { HeadScanner } from './head-scanner.ts';
import { RequestView } from './heads.ts';
import { RequestFields } from './request-fields.ts';

/** A target over this many bytes is refused with 414. */
export const MAX_TARGET_BYTES = 8 * 1024;

const bitsOf = (...names: string[]) => names.reduce((bits, name) => bits | bitOf(name), 0);

// What we put behind the received fields: always, and now and then.
const OURS = bitsOf('via', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host');
const HANDSHAKE = bitsOf('connection', 'upgrade');
const TRAILERS = bitsOf('te', 'connection');
const HOST_NAME = bitsOf('host');
const CERTIFICATE = bitsOf('x-forwarded-client-cert');

const BLANK = 32;
const SLASH = 47;
const QUESTION_MARK = 63;

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'];

/** What the connection that a request came on says about it. */
export interface RequestOrigin {
  /** Whether the peer's own X-Forwarded-* and the like are believed. */
  readonly trusted: boolean;
  /** IP address of the peer; empty for a Unix-domain socket. */
  readonly address: string;
  readonly secure: boolean;
  /** What `x-forwarded-client-cert` says of the certificate that the peer proved; undefined: the field never goes up. */
  readonly certificate?: string | undefined;
  /** {@link hopOf} this connection. */
  readonly hop: string;
}

/** What goes behind the fields of every request of a connection, where the client is the first hop: composed once. */
export function hopOf(address: string, secure: boolean): string {
  const client = address === '' ? '' : `x-forwarded-for: ${address}\r\n`;
  return `via: 1.1 outrigger\r\n${client}x-forwarded-proto: ${secure ? 'https' : 'http'}\r\n`;
}

/**
 * The meaning of a request's head (RFC 9112 §3, §6; RFC 9110 §7; RFC 6455 §4.2.1), and the fields as they go up: the
 * received ones in order and casing, less those of the connection, with ours behind them. One instance serves all
 * connections; its results are valid until the next call.
 */
export class RequestParser {
  /** The head as it goes up, made anew for each request; `x-request-id` is the caller's to add where `requestId` is empty. */
  request = new RequestView();
  http10 = false;
  framing: Framing = NO_BODY;
  length = 0;
  /** Whether the client asks for the connection to stay: `close` was not said, or HTTP/1.0 said `keep-alive`. */
  keepAlive = true;
  websocket = false;
  websocketKey = '';

  readonly #fields = new RequestFields();
  // Where the target stands in the bytes.
  #targetStart = 0;
  #targetEnd = 0;
  /** The `Host` of the last request: most of them name the same one. */
  readonly #known = { bytes: Buffer.alloc(0), authority: '', host: '', line: '' };

  /** What the client, or a peer before it, has named the request; empty where that is still to be done. */
  get requestId(): string {
    return this.#fields.requestId;
  }

  /** Reads a head that was found and made text of. The cause, where it is refused. */
  parse(head: HeadScanner, origin: RequestOrigin): Cause | undefined {
    this.request = new RequestView();
    const refused =
      this.#readLine(head) ?? this.#readFields(head, origin) ?? this.#readTarget(head) ?? this.#readHandshake();
    if (refused === undefined) this.#compose(head, origin);
    return refused;
  }

  /** Method SP target SP HTTP/1.x (RFC 9112 §3). */
  #readLine(head: HeadScanner): Cause | undefined {
    const { bytes: b, from, text, startEnd } = head;
    const { request } = this;
    let i = from;
    while (TOKEN[b[i]!] === 1) i++;
    const methodEnd = i;
    if (methodEnd === from || b[i] !== BLANK) return 'downstream-malformed';
    const start = ++i;
    while (TARGET[b[i]!] === 1) i++;
    if (i - start > MAX_TARGET_BYTES) return 'downstream-target-too-long';
    if (i === start || b[i] !== BLANK) return 'downstream-malformed';
    const minor = minorVersion(b, i + 1, startEnd);
    if (minor === -1) return 'downstream-malformed';
    if (minor > 1) return 'downstream-version';
    const method = methodOf(text, methodEnd - from);
    if (method === 'CONNECT' || method === 'TRACE') return 'downstream-method';
    this.http10 = minor === 0;
    this.#targetStart = start;
    this.#targetEnd = i;
    request.method = method;
    request.version = this.http10 ? '1.0' : '1.1';
    request.target = text.slice(start - from, i - from);
    return undefined;
  }

  /** The fields, and the framing by them (RFC 9112 §6.3). */
  #readFields(head: HeadScanner, origin: RequestOrigin): Cause | undefined {
    const fields = this.#fields;
    if (!fields.read(head, origin.trusted, this.http10)) return 'downstream-malformed';
    if (fields.chunked) this.framing = CHUNKED;
    else this.framing = fields.length > 0 ? LENGTH : NO_BODY;
    this.length = this.framing === LENGTH ? fields.length : 0;
    this.keepAlive = fields.hop.keeps(this.http10);
    if (fields.host === -1) return this.http10 ? undefined : 'downstream-malformed';
    return this.#readHost(head, fields.host) ? undefined : 'downstream-malformed';
  }

  /** False where it is not one. */
  #readHost(head: HeadScanner, field: number): boolean {
    const known = this.#known;
    const { bytes, offsets } = head;
    const from = offsets[4 * field + 2]!;
    const to = offsets[4 * field + 3]!;
    if (from === to || !isSame(bytes, from, to, known.bytes)) {
      const host = hostOf(bytes, from, to);
      if (host === '') return false;
      known.bytes = Buffer.from(bytes.subarray(from, to));
      known.authority = latin1(bytes, from, to);
      known.host = host;
      known.line = `x-forwarded-host: ${known.authority}\r\n`;
    }
    this.request.authority = known.authority;
    this.request.host = known.host;
    return true;
  }

  /** Origin-form, `*` for OPTIONS, or absolute-form that agrees with Host (stricter than RFC 9112 §3.2.2, on purpose). */
  #readTarget(head: HeadScanner): Cause | undefined {
    const { request } = this;
    const ours = head.bytes[this.#targetStart] === SLASH;
    if (!ours) {
      if (request.target !== '*') {
        if (!this.#readAbsolute(head)) return 'downstream-malformed';
      } else if (request.method !== 'OPTIONS') return 'downstream-malformed';
    }
    const { method, target } = request;
    const mark = target.indexOf('?');
    request.path = mark === -1 ? target : target.slice(0, mark);
    request.query = mark === -1 ? '' : target.slice(mark + 1);
    request.line =
      ours && !this.http10 ? head.text.slice(0, head.startEnd + 2 - head.from) : `${method} ${target} HTTP/1.1\r\n`;
    return undefined;
  }

  /** Makes an absolute-form target one in origin-form. False where it is not one, or names another host than Host. */
  #readAbsolute({ bytes: b }: HeadScanner): boolean {
    const { request } = this;
    const scheme = /^https?:\/\//i.exec(request.target)?.[0].length;
    if (scheme === undefined) return false;
    const from = this.#targetStart + scheme;
    let end = from;
    while (end < this.#targetEnd && b[end] !== SLASH && b[end] !== QUESTION_MARK) end++;
    const host = hostOf(b, from, end);
    if (host === '') return false;
    const authority = request.target.slice(scheme, end - this.#targetStart);
    if (request.authority === '') request.authority = authority;
    else if (!sameAuthority(request.authority, authority, scheme === 'https://'.length ? '443' : '80')) return false;
    request.host = host;
    const rest = request.target.slice(end - this.#targetStart);
    if (rest === '') request.target = request.method === 'OPTIONS' ? '*' : '/';
    else request.target = rest.startsWith('?') ? `/${rest}` : rest;
    return true;
  }

  /** Whether it asks for a WebSocket, and may (RFC 6455 §4.2.1). */
  #readHandshake(): Cause | undefined {
    const { hop, upgrade, websocketKey: key, websocketVersion: version, websocketProtocols: protocols } = this.#fields;
    this.websocket = hop.upgrade && upgrade !== '' && tokens(upgrade).includes('websocket');
    if (!this.websocket) return undefined;
    if (this.http10 || this.request.method !== 'GET' || this.framing !== NO_BODY) return 'downstream-handshake';
    if (version !== undefined && version !== '13') return 'downstream-handshake-version';
    if (version === undefined || key === undefined || !/^[+/0-9A-Za-z]{21}[AQgw]==$/.test(key))
      return 'downstream-handshake';
    if (protocols !== undefined && !isTokenList(protocols)) return 'downstream-handshake';
    this.websocketKey = key;
    return undefined;
  }

  /** The fields as they go up: those that came and go on, and ours behind them. */
  #compose(head: HeadScanner, origin: RequestOrigin): void {
    const fields = this.#fields;
    const { authority } = this.request;
    let names = fields.names | OURS;
    let text = fields.hop.endToEnd(head);
    if (this.websocket) {
      text += 'connection: Upgrade\r\nupgrade: websocket\r\n';
      names |= HANDSHAKE;
    }
    if (fields.trailers) {
      text += 'te: trailers\r\nconnection: te\r\n';
      names |= TRAILERS;
    }
    if (fields.host === -1 && authority !== '') {
      text += `host: ${authority}\r\n`;
      names |= HOST_NAME;
    }
    text += this.#hop(origin);
    if (!fields.hasHost && authority !== '')
      text += authority === this.#known.authority ? this.#known.line : `x-forwarded-host: ${authority}\r\n`;
    if (origin.certificate !== undefined) {
      text += `x-forwarded-client-cert: ${fields.forwardedCertificates}${origin.certificate}\r\n`;
      names |= CERTIFICATE;
    }
    this.request.headers = new FieldLines(text, names);
  }

  /** Who has sent it, and to us. */
  #hop({ hop, address, secure }: RequestOrigin): string {
    const { forwardedFor, hasProto } = this.#fields;
    if (!this.http10 && forwardedFor === '' && !hasProto) return hop;
    let text = this.http10 ? 'via: 1.0 outrigger\r\n' : 'via: 1.1 outrigger\r\n';
    if (address !== '') text += `x-forwarded-for: ${forwardedFor}${address}\r\n`;
    else if (forwardedFor !== '') text += `x-forwarded-for: ${forwardedFor.slice(0, -2)}\r\n`;
    if (!hasProto) text += secure ? 'x-forwarded-proto: https\r\n' : 'x-forwarded-proto: http\r\n';
    return text;
  }
}

function isSame(b: Uint8Array, from: number, to: number, known: Uint8Array): boolean {
  if (to - from !== known.length) return false;
  for (let i = 0; i < known.length; i++) if (b[from + i] !== known[i]) return false;
  return true;
}

/** 1 for HTTP/1.1, 0 for HTTP/1.0, 2 for another well-formed version, -1 for anything else. */
function minorVersion(b: Uint8Array, from: number, to: number): number {
  if (
    to - from !== 8 ||
    b[from] !== 72 ||
    b[from + 1] !== 84 ||
    b[from + 2] !== 84 ||
    b[from + 3] !== 80 ||
    b[from + 4] !== 47
  )
    return -1;
  const major = b[from + 5]! - 48;
  const minor = b[from + 7]! - 48;
  if (b[from + 6] !== 46 || major < 0 || major > 9 || minor < 0 || minor > 9) return -1;
  return major === 1 && minor <= 1 ? minor : 2;
}

/** The common ones are shared strings. */
function methodOf(head: string, length: number): string {
  for (const method of METHODS) if (method.length === length && head.startsWith(method)) return method;
  return head.slice(0, length);
}

/** RFC 6455 §4.1: subprotocols are tokens, each once. */
function isTokenList(list: string): boolean {
  const members = list.split(',').map((member) => member.trim());
  return members.every(isToken) && new Set(members).size === members.length;
}
