import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_URL_FULL,
} from '@opentelemetry/semantic-conventions';
import { type Attempt, type Cause, describeCause, type Session } from '@outrigger/core';
import { maskQuery, writeEndpoint, writeMethod } from './http-attributes.ts';
import { CLUSTER } from './outrigger-attributes.ts';
import type { ServerSpan } from './server-span.ts';
import { SpanKind, SpanRecord } from './span.ts';
import { keyOf, type SpanWriter } from './span-writer.ts';

const ERROR_TYPE = keyOf(ATTR_ERROR_TYPE);
const PROTOCOL_VERSION = keyOf(ATTR_NETWORK_PROTOCOL_VERSION);
const RESEND_COUNT = keyOf(ATTR_HTTP_REQUEST_RESEND_COUNT);
const STATUS_CODE = keyOf(ATTR_HTTP_RESPONSE_STATUS_CODE);
const URL_FULL = keyOf(ATTR_URL_FULL);

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

  constructor(server: ServerSpan, session: Session, attempt: Attempt) {
    const { traceId, flags, traceState } = server.parent;
    super({ traceId, spanId: server.spanId, remote: false, flags, traceState }, server.epoch + attempt.startedAt);
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

  protected describe(out: SpanWriter): void {
    out.name(writeMethod(out, this.#method));
    out.text(URL_FULL, this.#url());
    writeEndpoint(out, this.#address);
    out.text(PROTOCOL_VERSION, '1.1');
    if (this.#number > 1) out.number(RESEND_COUNT, this.#number - 1);
    if (this.#cluster !== undefined) out.text(CLUSTER, this.#cluster);
    if (this.#status !== undefined) out.number(STATUS_CODE, this.#status);
    const failed = this.#status !== undefined && this.#status >= 400;
    const error = this.#cause ?? (failed ? String(this.#status) : undefined);
    if (error === undefined) return;
    out.text(ERROR_TYPE, error);
    out.failed();
  }

  #url(): string {
    const authority = this.#address.startsWith('unix:') ? this.#authority || 'localhost' : this.#address;
    const query = this.#query === '' ? '' : `?${maskQuery(this.#query)}`;
    return `${this.#scheme}://${authority}${this.#path === '*' ? '' : this.#path}${query}`;
  }
}
