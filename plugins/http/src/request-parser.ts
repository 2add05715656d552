import { type Cause, latin1 } from '@outrigger/core';
import { CHUNKED, type Framing, LENGTH, NO_BODY } from './body-framing.ts';
import { HOST, TARGET, TOKEN, tokens } from './characters.ts';
import { bitOf, bitOfName, FieldLines } from './field-lines.ts';
import { type HeadScanner, isName, MAX_FIELDS } from './head-scanner.ts';
import { RequestView } from './heads.ts';

/** A target over this many bytes is refused with 414. */
export const MAX_TARGET_BYTES = 8 * 1024;

/** Fields that `Connection` may not name away: what routes, frames, authorises or tells of the client. */
const END_TO_END = new Set(
  `host authorization proxy-authorization cookie content-length transfer-encoding content-type content-encoding content-range range expect
  forwarded via traceparent tracestate baggage b3 x-request-id x-real-ip client-cert client-cert-chain origin referer
  sec-websocket-key sec-websocket-version sec-websocket-protocol sec-websocket-extensions`.split(/\s+/),
);

const bitsOf = (...names: string[]) => names.reduce((bits, name) => bits | bitOf(name), 0);

// What we put behind the received fields: always, and now and then.
const OURS = bitsOf('via', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host');
const HANDSHAKE = bitsOf('connection', 'upgrade');
const TRAILERS = bitsOf('te', 'connection');
const HOST_NAME = bitsOf('host');
const CERTIFICATE = bitsOf('x-forwarded-client-cert');

const SLASH = 47;

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
  expectContinue = false;
  websocket = false;
  websocketKey = '';
  requestId = '';

  readonly #drop = new Uint8Array(MAX_FIELDS);
  /** The `Host` of the last request: most of them name the same one. */
  readonly #known = { authority: '', host: '', line: '' };

  /** Reads what `scanner` has found in `b`; `head` is the same bytes from `from` on, as latin1. The cause, where it is refused. */
  parse(b: Buffer, from: number, head: string, scanner: HeadScanner, origin: RequestOrigin): Cause | undefined {
    const { startEnd, offsets, count } = scanner;

    // Request line: method SP target SP HTTP/1.x
    let i = from;
    while (TOKEN[b[i]!] === 1) i++;
    const methodEnd = i;
    if (methodEnd === from || b[i] !== 32) return 'downstream-malformed';
    const targetStart = ++i;
    while (TARGET[b[i]!] === 1) i++;
    const targetEnd = i;
    if (targetEnd - targetStart > MAX_TARGET_BYTES) return 'downstream-target-too-long';
    if (targetEnd === targetStart || b[i] !== 32) return 'downstream-malformed';
    const version = versionOf(b, i + 1, startEnd);
    if (version === -1) return 'downstream-malformed';
    if (version > 1) return 'downstream-version';
    this.http10 = version === 0;
    const method = methodOf(head, methodEnd - from);
    if (method === 'CONNECT' || method === 'TRACE') return 'downstream-method';

    // Fields
    const drop = this.#drop;
    let hostAt = -1;
    let lengthAt = -1;
    let chunked = false;
    let close = false;
    let keepAlive = false;
    let connectionUpgrade = false;
    let upgrade = '';
    let named: string[] | undefined;
    let forwardedFor = '';
    let forwardedCertificates = '';
    let hasProto = false;
    let hasHost = false;
    let trailers = false;
    let key: string | undefined;
    let websocketVersion: string | undefined;
    let websocketProtocols: string | undefined;
    let dropped = 0;
    let names = OURS;
    this.requestId = '';
    this.expectContinue = false;
    const text = (at: number) => head.slice(offsets[at + 2]! - from, offsets[at + 3]! - from);

    for (let field = 0, at = 0; field < count; field++, at += 4) {
      const name = offsets[at]!;
      drop[field] = 0;
      names |= bitOfName(b[name]!, offsets[at + 1]! - name);
      switch (offsets[at + 1]! - name) {
        case 2:
          if (isName(b, name, 'te')) {
            if (tokens(text(at)).includes('trailers')) trailers = true;
            drop[field] = 1;
          }
          break;
        case 4:
          if (isName(b, name, 'host')) {
            if (hostAt !== -1) return 'downstream-malformed';
            hostAt = at;
          }
          break;
        case 6:
          if (isName(b, name, 'expect')) {
            if (version === 0) drop[field] = 1;
            else if (text(at).toLowerCase() === '100-continue') this.expectContinue = true;
          }
          break;
        case 7:
          if (isName(b, name, 'upgrade')) {
            upgrade = upgrade === '' ? text(at) : `${upgrade},${text(at)}`;
            drop[field] = 1;
          }
          break;
        case 9:
          if (!origin.trusted && (isName(b, name, 'forwarded') || isName(b, name, 'x-real-ip'))) drop[field] = 1;
          break;
        case 10:
          if (isName(b, name, 'connection')) {
            const value = text(at).toLowerCase();
            drop[field] = 1;
            if (value === 'keep-alive') keepAlive = true;
            else if (value === 'close') close = true;
            else {
              for (const token of tokens(value)) {
                if (token === 'close') close = true;
                else if (token === 'keep-alive') keepAlive = true;
                else if (token === 'upgrade') connectionUpgrade = true;
                else if (!END_TO_END.has(token) && !token.startsWith('x-forwarded-')) {
                  named ??= [];
                  named.push(token);
                }
              }
            }
          } else if (isName(b, name, 'keep-alive')) drop[field] = 1;
          break;
        case 11:
          if (!origin.trusted && isName(b, name, 'client-cert')) drop[field] = 1;
          break;
        case 12:
          if (isName(b, name, 'x-request-id')) {
            const id = text(at);
            if (this.requestId === '' && isRequestId(id)) this.requestId = id;
            else drop[field] = 1;
          }
          break;
        case 14:
          if (isName(b, name, 'content-length')) {
            if (lengthAt !== -1) return 'downstream-malformed';
            lengthAt = at;
            const length = contentLength(b, offsets[at + 2]!, offsets[at + 3]!);
            if (length === -1) return 'downstream-malformed';
            this.length = length;
          } else if (isName(b, name, 'http2-settings')) drop[field] = 1;
          break;
        case 16:
          if (isName(b, name, 'proxy-connection')) drop[field] = 1;
          else if (isName(b, name, 'x-forwarded-host')) {
            if (origin.trusted && !hasHost) hasHost = true;
            else drop[field] = 1;
          }
          break;
        case 15:
          if (isName(b, name, 'x-forwarded-for')) {
            drop[field] = 1;
            if (origin.trusted) forwardedFor += `${text(at)}, `;
          }
          break;
        case 17:
          if (isName(b, name, 'transfer-encoding')) {
            if (chunked || version === 0 || text(at).toLowerCase() !== 'chunked') return 'downstream-malformed';
            chunked = true;
          } else if (isName(b, name, 'sec-websocket-key')) key = key === undefined ? text(at) : '';
          else if (isName(b, name, 'x-forwarded-proto')) {
            if (origin.trusted && !hasProto) hasProto = true;
            else drop[field] = 1;
          } else if (!origin.trusted && isName(b, name, 'client-cert-chain')) drop[field] = 1;
          break;
        case 21:
          if (isName(b, name, 'sec-websocket-version'))
            websocketVersion = websocketVersion === undefined ? text(at) : '';
          break;
        case 22:
          if (isName(b, name, 'sec-websocket-protocol')) {
            websocketProtocols = websocketProtocols === undefined ? text(at) : `${websocketProtocols},${text(at)}`;
          }
          break;
        case 23:
          // Behind what a trusted peer says of those before it comes what it proved itself (Envoy's APPEND_FORWARD).
          if (isName(b, name, 'x-forwarded-client-cert')) {
            drop[field] = 1;
            if (origin.trusted) forwardedCertificates += `${text(at)},`;
          }
          break;
      }
      // X: any X-Forwarded-*, also those that nobody has thought of yet.
      if (
        !origin.trusted &&
        (b[name]! | 32) === 120 &&
        offsets[at + 1]! - name > 12 &&
        isName(b, name, 'x-forwarded-')
      ) {
        drop[field] = 1;
      }
      dropped += drop[field]!;
    }
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

    // Framing
    if (chunked && lengthAt !== -1) return 'downstream-malformed';
    if (chunked) this.framing = CHUNKED;
    else this.framing = lengthAt !== -1 && this.length > 0 ? LENGTH : NO_BODY;
    if (this.framing === NO_BODY) this.length = 0;
    this.keepAlive = version === 0 ? keepAlive && !close : !close;

    // Target and Host
    const view = new RequestView();
    this.request = view;
    view.method = method;
    view.version = version === 0 ? '1.0' : '1.1';
    if (hostAt !== -1) {
      if (!this.#readHost(view, text(hostAt), b, offsets[hostAt + 2]!, offsets[hostAt + 3]!))
        return 'downstream-malformed';
    } else if (version === 1) return 'downstream-malformed';
    view.target = head.slice(targetStart - from, targetEnd - from);
    const refused = this.#readTarget(view, b, targetStart, targetEnd);
    if (refused !== undefined) return refused;
    view.line =
      version === 1 && b[targetStart] === SLASH
        ? head.slice(0, startEnd + 2 - from)
        : `${method} ${view.target} HTTP/1.1\r\n`;

    // WebSocket handshake
    this.websocket = connectionUpgrade && upgrade !== '' && tokens(upgrade).includes('websocket');
    if (this.websocket) {
      if (version === 0 || method !== 'GET' || this.framing !== NO_BODY) return 'downstream-handshake';
      if (websocketVersion !== undefined && websocketVersion !== '13') return 'downstream-handshake-version';
      if (websocketVersion === undefined || key === undefined || !/^[+/0-9A-Za-z]{21}[AQgw]==$/.test(key)) {
        return 'downstream-handshake';
      }
      if (websocketProtocols !== undefined && !isTokenList(websocketProtocols)) return 'downstream-handshake';
      this.websocketKey = key;
    }

    // Fields as they go up: runs of kept lines verbatim, then ours.
    let fields = '';
    let keep = startEnd + 2 - from;
    if (dropped > 0) {
      for (let field = 0, at = 0; field < count; field++, at += 4) {
        if (drop[field] === 0) continue;
        const line = offsets[at]! - from;
        if (line > keep) fields += head.slice(keep, line);
        keep = field + 1 < count ? offsets[at + 4]! - from : head.length - 2;
      }
    }
    if (head.length - 2 > keep) fields += head.slice(keep, head.length - 2);
    if (this.websocket) {
      fields += 'connection: Upgrade\r\nupgrade: websocket\r\n';
      names |= HANDSHAKE;
    }
    if (trailers) {
      fields += 'te: trailers\r\nconnection: te\r\n';
      names |= TRAILERS;
    }
    if (hostAt === -1 && view.authority !== '') {
      fields += `host: ${view.authority}\r\n`;
      names |= HOST_NAME;
    }
    if (version === 1 && forwardedFor === '' && !hasProto) fields += origin.hop;
    else {
      fields += version === 0 ? 'via: 1.0 outrigger\r\n' : 'via: 1.1 outrigger\r\n';
      if (origin.address !== '') fields += `x-forwarded-for: ${forwardedFor}${origin.address}\r\n`;
      else if (forwardedFor !== '') fields += `x-forwarded-for: ${forwardedFor.slice(0, -2)}\r\n`;
      if (!hasProto) fields += origin.secure ? 'x-forwarded-proto: https\r\n' : 'x-forwarded-proto: http\r\n';
    }
    if (!hasHost && view.authority !== '') {
      const known = view.authority === this.#known.authority;
      fields += known ? this.#known.line : `x-forwarded-host: ${view.authority}\r\n`;
    }
    if (origin.certificate !== undefined) {
      fields += `x-forwarded-client-cert: ${forwardedCertificates}${origin.certificate}\r\n`;
      names |= CERTIFICATE;
    }
    view.headers = new FieldLines(fields, names);
    return undefined;
  }

  /** False where it is not one. */
  #readHost(view: RequestView, authority: string, b: Buffer, from: number, to: number): boolean {
    const known = this.#known;
    if (authority !== known.authority || authority === '') {
      const host = hostOf(b, from, to);
      if (host === '') return false;
      // A copy of its own: a slice would hold on to the whole head.
      known.authority = latin1(b, from, to);
      known.host = host;
      known.line = `x-forwarded-host: ${known.authority}\r\n`;
    }
    view.authority = known.authority;
    view.host = known.host;
    return true;
  }

  /** RFC 9112 §3.2: origin-form, `*` for OPTIONS, or absolute-form that agrees with Host (stricter than §3.2.2, on purpose). */
  #readTarget(view: RequestView, b: Buffer, from: number, to: number): Cause | undefined {
    const { target } = view;
    let origin = target;
    if (b[from] !== SLASH) {
      if (target === '*') {
        if (view.method !== 'OPTIONS') return 'downstream-malformed';
        view.path = '*';
        view.query = '';
        return undefined;
      }
      const scheme = /^https?:\/\//i.exec(target);
      if (scheme === null) return 'downstream-malformed';
      let end = from + scheme[0].length;
      while (end < to && b[end] !== SLASH && b[end] !== 63) end++;
      const host = hostOf(b, from + scheme[0].length, end);
      const authority = target.slice(scheme[0].length, end - from);
      if (host === '') return 'downstream-malformed';
      if (view.authority !== '' && !sameAuthority(view.authority, authority, scheme[0].length === 8 ? '443' : '80')) {
        return 'downstream-malformed';
      }
      view.authority ||= authority;
      view.host = host;
      origin = target.slice(end - from);
      if (origin === '') origin = view.method === 'OPTIONS' ? '*' : '/';
      else if (origin.charCodeAt(0) === 63) origin = `/${origin}`;
      view.target = origin;
    }
    const mark = origin.indexOf('?');
    view.path = mark === -1 ? origin : origin.slice(0, mark);
    view.query = mark === -1 ? '' : origin.slice(mark + 1);
    return undefined;
  }
}

/** 1 for HTTP/1.1, 0 for HTTP/1.0, 2 for another well-formed version, -1 for anything else. */
function versionOf(b: Buffer, from: number, to: number): number {
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

/** Digits alone, below 10^15; -1 for anything else (RFC 9112 §6.3: no list, no sign, no blank). */
export function contentLength(b: Buffer, from: number, to: number): number {
  if (to === from || to - from > 15) return -1;
  let length = 0;
  for (let i = from; i < to; i++) {
    const digit = b[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** The host of an authority in lower case, without port and brackets; empty where it is not one (userinfo is refused). */
function hostOf(b: Buffer, from: number, to: number): string {
  let end = from;
  if (b[from] === 91) {
    while (end < to && b[end] !== 93) end++;
    if (end === to || end - from < 3) return '';
    const address = latin1(b, from + 1, end).toLowerCase();
    if (!/^[0-9a-f:.]+$/.test(address) || !isPort(b, end + 1, to)) return '';
    return address;
  }
  while (end < to && HOST[b[end]!] === 1) end++;
  if (end === from || !isPort(b, end, to)) return '';
  return latin1(b, from, end).toLowerCase();
}

/** Nothing, or `:` and up to five digits. */
function isPort(b: Buffer, from: number, to: number): boolean {
  if (from === to) return true;
  if (b[from] !== 58 || to - from > 6) return false;
  for (let i = from + 1; i < to; i++) if (b[i]! < 48 || b[i]! > 57) return false;
  return true;
}

function sameAuthority(a: string, b: string, defaultPort: string): boolean {
  const plain = (authority: string) => authority.toLowerCase().replace(new RegExp(`:(${defaultPort})?$`), '');
  return plain(a) === plain(b);
}

/** Visible ASCII, up to 128 characters: what logs and headers can carry on. */
function isRequestId(id: string): boolean {
  return id.length > 0 && id.length <= 128 && /^[\x21-\x7e]+$/.test(id);
}

/** RFC 6455 §4.1: subprotocols are tokens, each once. */
function isTokenList(list: string): boolean {
  const members = list.split(',').map((member) => member.trim());
  return (
    members.every((member) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(member)) && new Set(members).size === members.length
  );
}
