import { isIP } from 'node:net';
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions';
import { type Cause, type Connection, errorType, type Route, routePattern, type Session } from '@outrigger/core';
import type { ClientSpan } from './client-span.ts';
import { maskQuery, portOf, SERVER_ADDRESS, SERVER_PORT, writeMethod } from './http-attributes.ts';
import { CAUSE, CLUSTER, GENERATION, LISTENER, ROUTE, SESSION_ID } from './outrigger-attributes.ts';
import { SpanKind, type SpanParent, SpanRecord } from './span.ts';
import { keyOf, type SpanWriter } from './span-writer.ts';

const CLIENT_ADDRESS = keyOf(ATTR_CLIENT_ADDRESS);
const ERROR_TYPE = keyOf(ATTR_ERROR_TYPE);
const HTTP_ROUTE = keyOf(ATTR_HTTP_ROUTE);
const PEER_ADDRESS = keyOf(ATTR_NETWORK_PEER_ADDRESS);
const PEER_PORT = keyOf(ATTR_NETWORK_PEER_PORT);
const PROTOCOL_VERSION = keyOf(ATTR_NETWORK_PROTOCOL_VERSION);
const STATUS_CODE = keyOf(ATTR_HTTP_RESPONSE_STATUS_CODE);
const URL_PATH = keyOf(ATTR_URL_PATH);
const URL_QUERY = keyOf(ATTR_URL_QUERY);
const URL_SCHEME = keyOf(ATTR_URL_SCHEME);
const USER_AGENT = keyOf(ATTR_USER_AGENT_ORIGINAL);

/** A session as its client sees it: an HTTP exchange, or a WebSocket's handshake. */
export class ServerSpan extends SpanRecord {
  readonly kind = SpanKind.SERVER;
  /** {@link Clock.epoch}, throughout the session. */
  readonly epoch: number;
  /** The attempt that goes on. */
  attempt: ClientSpan | undefined = undefined;

  // Read while the request is as the client sent it.
  readonly #connection: Connection;
  readonly #generation: number;
  readonly #sessionId: string;
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

  /** `epoch` as of the clock now. */
  constructor(parent: SpanParent, session: Session, epoch: number) {
    super(parent, session.startedAt);
    this.epoch = epoch;
    const { request } = session;
    this.#connection = session.connection;
    this.#generation = session.generation;
    this.#sessionId = session.id;
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
  end(session: Session, status: number | undefined, cause: Cause | undefined, endedAt: number): void {
    this.endedAt = endedAt;
    this.#route = session.route;
    this.#cluster = session.cluster?.name;
    this.#local = session.response?.local ?? false;
    this.#status = status;
    this.#cause = cause;
  }

  protected describe(out: SpanWriter): void {
    const method = writeMethod(out, this.#method);
    this.#describeRequest(out);
    out.text(LISTENER, this.#connection.listener.name);
    out.text(SESSION_ID, this.#sessionId);
    out.number(GENERATION, this.#generation);
    if (this.#cluster !== undefined) out.text(CLUSTER, this.#cluster);
    if (this.#cause !== undefined) out.text(CAUSE, this.#cause);
    if (this.#status !== undefined) out.number(STATUS_CODE, this.#status);
    const error = errorType(this.#status, this.#cause, this.#local);
    if (error !== undefined) {
      out.text(ERROR_TYPE, error);
      out.failed();
    }
    const pattern = this.#route && routePattern(this.#route);
    if (this.#route !== undefined) out.text(ROUTE, this.#route.name);
    if (pattern !== undefined) out.text(HTTP_ROUTE, pattern);
    out.name(pattern === undefined ? method : `${method} ${pattern}`);
  }

  #describeRequest(out: SpanWriter): void {
    const { address, tls } = this.#connection.peer;
    const scheme = tls === undefined ? 'http' : 'https';
    out.text(URL_SCHEME, scheme);
    out.text(URL_PATH, this.#path);
    if (this.#query !== '') out.text(URL_QUERY, maskQuery(this.#query));
    if (this.#host !== '') {
      out.text(SERVER_ADDRESS, this.#host);
      out.number(SERVER_PORT, portOf(this.#authority, scheme));
    }
    // The engine has replaced what came from a peer that is not trusted.
    const client = this.#forwardedFor?.split(',', 1)[0]?.trim() ?? '';
    const clientAddress = isIP(client) === 0 ? address.host : client;
    if (clientAddress !== '') out.text(CLIENT_ADDRESS, clientAddress);
    if (address.host !== '') out.text(PEER_ADDRESS, address.host);
    if (address.family !== 'unix') out.number(PEER_PORT, address.port);
    out.text(PROTOCOL_VERSION, this.#version);
    if (this.#userAgent !== undefined) out.text(USER_AGENT, this.#userAgent);
  }
}
