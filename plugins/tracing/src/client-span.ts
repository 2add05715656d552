import { type Attributes, SpanKind } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_URL_FULL,
} from '@opentelemetry/semantic-conventions';
import { type Attempt, type Cause, describeCause, type Session } from '@outrigger/core';
import { maskQuery, setEndpoint, setMethod } from './http-attributes.ts';
import type { ServerSpan } from './server-span.ts';
import { type SpanContent, SpanRecord } from './span.ts';

/** One attempt at one endpoint, from its head going up to the end of what came back. */
export class ClientSpan extends SpanRecord {
  readonly kind = SpanKind.CLIENT;
  readonly #method: string;
  readonly #path: string;
  readonly #query: string;
  readonly #authority: string;
  readonly #scheme: string;
  readonly #cluster: string | undefined;
  readonly #address: string;
  readonly #number: number;
  #status: number | undefined = undefined;
  #cause: Cause | undefined = undefined;

  /** `now` is monotonic, in milliseconds. */
  constructor(server: ServerSpan, session: Session, attempt: Attempt, now: number) {
    const { traceId, flags, traceState } = server.parent;
    super({ traceId, spanId: server.spanId, remote: false, flags, traceState }, server.epoch + now);
    const { method, path, query, authority } = session.request;
    this.#method = method;
    this.#path = path;
    this.#query = query;
    this.#authority = authority;
    this.#scheme = session.cluster?.connector === 'tls' ? 'https' : 'http';
    this.#cluster = session.cluster?.name;
    this.#address = attempt.endpoint.address;
    this.#number = attempt.number;
  }

  /** The attempt has its response head, or failed. */
  answered(attempt: Attempt, endedAt: number): void {
    this.#status = attempt.status;
    this.#cause = attempt.failure?.cause;
    this.endedAt = endedAt;
  }

  /** What came back was relayed to its end, or the session ended with `cause` before that. */
  relayed(cause: Cause, endedAt: number): void {
    // That the client went away is no failure of the endpoint.
    if (cause !== 'complete' && describeCause(cause).source === 'upstream') this.#cause ??= cause;
    this.endedAt = endedAt;
  }

  describe(): SpanContent {
    const attributes: Attributes = {};
    const name = setMethod(attributes, this.#method);
    attributes[ATTR_URL_FULL] = this.#url();
    setEndpoint(attributes, this.#address);
    attributes[ATTR_NETWORK_PROTOCOL_VERSION] = '1.1';
    if (this.#number > 1) attributes[ATTR_HTTP_REQUEST_RESEND_COUNT] = this.#number - 1;
    if (this.#cluster !== undefined) attributes['outrigger.cluster'] = this.#cluster;
    if (this.#status !== undefined) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = this.#status;
    const failed = this.#status !== undefined && this.#status >= 400;
    const error = this.#cause ?? (failed ? String(this.#status) : undefined);
    if (error !== undefined) attributes[ATTR_ERROR_TYPE] = error;
    return { name, attributes, error: error !== undefined };
  }

  #url(): string {
    const authority = this.#address.startsWith('unix:') ? this.#authority || 'localhost' : this.#address;
    const query = this.#query === '' ? '' : `?${maskQuery(this.#query)}`;
    return `${this.#scheme}://${authority}${this.#path === '*' ? '' : this.#path}${query}`;
  }
}
