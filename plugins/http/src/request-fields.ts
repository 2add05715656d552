import { tokens } from './characters.ts';
import { contentLength } from './content-length.ts';
import { bitOfName } from './field-lines.ts';
import { FieldNames, spells } from './field-names.ts';
import type { HeadScanner } from './head-scanner.ts';
import { HopByHop } from './hop-by-hop.ts';

/** Fields that `Connection` may not name away: what routes, frames, authorises or tells of the client. */
const END_TO_END = new Set(
  `host authorization proxy-authorization cookie content-length transfer-encoding content-type content-encoding content-range range expect
  forwarded via traceparent tracestate baggage b3 x-request-id x-real-ip client-cert client-cert-chain origin referer
  sec-websocket-key sec-websocket-version sec-websocket-protocol sec-websocket-extensions`.split(/\s+/),
);

/** The names that mean something here. */
export const REQUEST_NAMES = new FieldNames(
  `te host expect upgrade forwarded x-real-ip connection keep-alive client-cert x-request-id content-length http2-settings x-forwarded-for
  proxy-connection x-forwarded-host transfer-encoding sec-websocket-key x-forwarded-proto client-cert-chain sec-websocket-version
  sec-websocket-protocol x-forwarded-client-cert`.split(/\s+/),
);

/** What so begins tells of the client, and counts only of those whom we trust: also where nobody has thought of it yet. */
const FORWARDED = Buffer.from('x-forwarded-');

/** What the fields of a request say (RFC 9110, RFC 9112 §6, RFC 6455 §4.2.1). One instance, read anew for each request. */
export class RequestFields {
  readonly hop = new HopByHop((name) => END_TO_END.has(name) || name.startsWith('x-forwarded-'));
  /** The number of `Host`; -1 where there is none. */
  host = -1;
  /** `Content-Length`; -1 where there is none. */
  length = -1;
  chunked = false;
  /** Whether `TE` says so. */
  trailers = false;
  /** All `Upgrade` in one list. */
  upgrade = '';
  /** The first `X-Request-Id` that logs and headers can carry on; else empty. */
  requestId = '';
  // What a trusted peer says of the client; each entry of the lists with the comma behind it.
  forwardedFor = '';
  forwardedCertificates = '';
  hasProto = false;
  hasHost = false;
  // Empty where there are several that must not be.
  websocketKey: string | undefined = undefined;
  websocketVersion: string | undefined = undefined;
  websocketProtocols: string | undefined = undefined;
  /** A bit for each name that there is, by {@link bitOfName}. */
  names = 0;

  /** Reads the fields that `head` has found. False where one of them must not be as it is, or beside another. */
  read(head: HeadScanner, trusted: boolean, http10: boolean): boolean {
    this.#begin(head.count);
    const { bytes, offsets, names, count } = head;
    let bits = 0;
    for (let field = 0; field < count; field++) {
      const from = offsets[4 * field]!;
      const length = offsets[4 * field + 1]! - from;
      const name = names[field]!;
      bits |= bitOfName(bytes[from]!, length);
      if (name === '') {
        if (!trusted && length > FORWARDED.length && spells(bytes, from, FORWARDED)) this.hop.drop(field);
      } else if (!this.#field(head, field, name, trusted, http10)) return false;
    }
    this.names = bits;
    return !this.chunked || this.length === -1;
  }

  #begin(count: number): void {
    this.hop.begin(count);
    this.host = -1;
    this.length = -1;
    this.chunked = false;
    this.trailers = false;
    this.upgrade = '';
    this.requestId = '';
    this.forwardedFor = '';
    this.forwardedCertificates = '';
    this.hasProto = false;
    this.hasHost = false;
    this.websocketKey = undefined;
    this.websocketVersion = undefined;
    this.websocketProtocols = undefined;
    this.names = 0;
  }

  #field(head: HeadScanner, field: number, name: string, trusted: boolean, http10: boolean): boolean {
    const { hop } = this;
    switch (name) {
      case 'host':
        if (this.host !== -1) return false;
        this.host = field;
        return true;
      case 'content-length':
        if (this.length !== -1) return false;
        this.length = contentLength(head, field);
        return this.length !== -1;
      case 'transfer-encoding':
        if (this.chunked || http10 || head.value(field).toLowerCase() !== 'chunked') return false;
        this.chunked = true;
        return true;
      case 'connection':
        hop.connection(field, head.value(field));
        return true;
      case 'keep-alive':
      case 'proxy-connection':
      case 'http2-settings':
        hop.drop(field);
        return true;
      case 'te':
        hop.drop(field);
        if (tokens(head.value(field)).includes('trailers')) this.trailers = true;
        return true;
      case 'expect':
        // HTTP/1.0 knows of no 100 (RFC 9110 §10.1.1).
        if (http10) hop.drop(field);
        return true;
      case 'upgrade':
        hop.drop(field);
        this.upgrade = this.upgrade === '' ? head.value(field) : `${this.upgrade},${head.value(field)}`;
        return true;
      case 'x-request-id':
        this.#requestId(head, field);
        return true;
      // What tells of the client, or of its certificate.
      case 'forwarded':
      case 'x-real-ip':
      case 'client-cert':
      case 'client-cert-chain':
        if (!trusted) hop.drop(field);
        return true;
      case 'x-forwarded-for':
        hop.drop(field);
        if (trusted) this.forwardedFor += `${head.value(field)}, `;
        return true;
      case 'x-forwarded-client-cert':
        // Behind what a trusted peer says of those before it comes what it proved itself (Envoy's APPEND_FORWARD).
        hop.drop(field);
        if (trusted) this.forwardedCertificates += `${head.value(field)},`;
        return true;
      case 'x-forwarded-host':
        if (!trusted || this.hasHost) hop.drop(field);
        else this.hasHost = true;
        return true;
      case 'x-forwarded-proto':
        if (!trusted || this.hasProto) hop.drop(field);
        else this.hasProto = true;
        return true;
      case 'sec-websocket-key':
        this.websocketKey = this.websocketKey === undefined ? head.value(field) : '';
        return true;
      case 'sec-websocket-version':
        this.websocketVersion = this.websocketVersion === undefined ? head.value(field) : '';
        return true;
      case 'sec-websocket-protocol': {
        const value = head.value(field);
        this.websocketProtocols = this.websocketProtocols === undefined ? value : `${this.websocketProtocols},${value}`;
        return true;
      }
      default:
        return true;
    }
  }

  #requestId(head: HeadScanner, field: number): void {
    const id = head.value(field);
    if (this.requestId === '' && isRequestId(id)) this.requestId = id;
    else this.hop.drop(field);
  }
}

/** Visible ASCII, up to 128 characters: what logs and headers can carry on. */
function isRequestId(id: string): boolean {
  return id.length > 0 && id.length <= 128 && /^[\x21-\x7e]+$/.test(id);
}
