import { isIP } from 'node:net';
import { type Attributes, SpanKind } from '@opentelemetry/api';
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions';
import type { Cause, Connection, Route, Session } from '@outrigger/core';
import type { ClientSpan } from './client-span.ts';
import { maskQuery, portOf, setMethod } from './http-attributes.ts';
import { type SpanContent, type SpanParent, SpanRecord } from './span.ts';

/** A session as its client sees it: an HTTP exchange, or a WebSocket's handshake. */
export class ServerSpan extends SpanRecord {
  readonly kind = SpanKind.SERVER;
  /** What is to be added to monotonic milliseconds to make them wall-clock ones, throughout the session. */
  readonly epoch: number;
  /** Whether it was handed on for export. */
  ended = false;
  /** The attempt that goes on. */
  attempt: ClientSpan | undefined = undefined;

  // Read while the request is as the client sent it.
  readonly #connection: Connection;
  readonly #generation: number;
  readonly #method: string;
  readonly #path: string;
  readonly #query: string;
  readonly #host: string;
  readonly #authority: string;
  readonly #version: string;
  readonly #userAgent: string | undefined;
  readonly #forwardedFor: string | undefined;

  // Set by `end`.
  #route: Route | undefined = undefined;
  #cluster: string | undefined = undefined;
  #status: number | undefined = undefined;
  #local = false;
  #cause: Cause | undefined = undefined;

  /** `now` is monotonic, in milliseconds. */
  constructor(parent: SpanParent, session: Session, now: number) {
    super(parent, session.startedAt);
    this.epoch = session.startedAt - now;
    const { request } = session;
    this.#connection = session.connection;
    this.#generation = session.generation;
    this.#method = request.method;
    this.#path = request.path;
    this.#query = request.query;
    this.#host = request.host;
    this.#authority = request.authority;
    this.#version = request.version;
    this.#userAgent = request.headers.get('user-agent');
    this.#forwardedFor = request.headers.get('x-forwarded-for');
  }

  /** Takes what is known now that the session, or the handshake of a WebSocket, is over. `cause` is undefined for the latter. */
  end(session: Session, status: number | undefined, cause: Cause | undefined, now: number): void {
    this.ended = true;
    this.endedAt = this.epoch + now;
    this.#route = session.route;
    this.#cluster = session.cluster?.name;
    this.#local = session.response?.local ?? false;
    this.#status = status;
    this.#cause = cause;
  }

  describe(): SpanContent {
    const attributes: Attributes = {};
    const method = setMethod(attributes, this.#method);
    this.#describeRequest(attributes);
    attributes['outrigger.listener'] = this.#connection.listener.name;
    attributes['outrigger.generation'] = this.#generation;
    if (this.#cluster !== undefined) attributes['outrigger.cluster'] = this.#cluster;
    if (this.#cause !== undefined) attributes['outrigger.cause'] = this.#cause;
    if (this.#status !== undefined) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = this.#status;
    const error = this.#errorType();
    if (error !== undefined) attributes[ATTR_ERROR_TYPE] = error;
    let name = method;
    if (this.#route !== undefined) {
      attributes['outrigger.route'] = this.#route.name;
      const pattern = patternOf(this.#route);
      if (pattern !== undefined) {
        attributes[ATTR_HTTP_ROUTE] = pattern;
        name = `${method} ${pattern}`;
      }
    }
    return { name, attributes, error: error !== undefined };
  }

  #describeRequest(attributes: Attributes): void {
    const { address, tls } = this.#connection.peer;
    const scheme = tls === undefined ? 'http' : 'https';
    attributes[ATTR_URL_SCHEME] = scheme;
    attributes[ATTR_URL_PATH] = this.#path;
    if (this.#query !== '') attributes[ATTR_URL_QUERY] = maskQuery(this.#query);
    if (this.#host !== '') {
      attributes[ATTR_SERVER_ADDRESS] = this.#host;
      attributes[ATTR_SERVER_PORT] = portOf(this.#authority, scheme);
    }
    // The engine has replaced what came from a peer that is not trusted.
    const client = this.#forwardedFor?.split(',', 1)[0]?.trim() ?? '';
    const clientAddress = isIP(client) === 0 ? address.host : client;
    if (clientAddress !== '') attributes[ATTR_CLIENT_ADDRESS] = clientAddress;
    if (address.host !== '') attributes[ATTR_NETWORK_PEER_ADDRESS] = address.host;
    if (address.family !== 'unix') attributes[ATTR_NETWORK_PEER_PORT] = address.port;
    attributes[ATTR_NETWORK_PROTOCOL_VERSION] = this.#version;
    if (this.#userAgent !== undefined) attributes[ATTR_USER_AGENT_ORIGINAL] = this.#userAgent;
  }

  /**
   * What went wrong, by our own cause where there is one; undefined where nothing did. A 4xx is the client's error: it is
   * none of a server (HTTP conventions, "Status"), unless the exchange was cut while it went down.
   */
  #errorType(): string | undefined {
    const status = this.#status;
    const cause = this.#cause === 'complete' ? undefined : this.#cause;
    if (status !== undefined && status >= 500) return cause ?? String(status);
    return this.#local ? undefined : cause;
  }
}

/** The path that a route asks for, in the form that `http.route` has elsewhere: `/x` for that path, `/x/*` for all below. */
function patternOf(route: Route): string | undefined {
  const match = route.settings['match'];
  const path = typeof match === 'object' && match !== null && 'path' in match ? match.path : undefined;
  if (typeof path !== 'string') return undefined;
  return path.startsWith('=') ? path.slice(1) : path.replace(/\/*$/, '/*');
}
