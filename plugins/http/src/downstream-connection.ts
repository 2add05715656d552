import { isIP } from 'node:net';
import {
  type ByteSink,
  type ByteStream,
  type Cause,
  type Connection,
  describeCause,
  isTrusted,
  latin1,
  type Scope,
  Timer,
  type TlsInfo,
} from '@outrigger/core';
import { BodyFraming, INVALID } from './body-framing.ts';
import type { Engine } from './engine.ts';
import { forwardedCertificate } from './forwarded-certificate.ts';
import { HeadScanner, MALFORMED, MAX_HEAD_BYTES, NEED_MORE } from './head-scanner.ts';
import { localReply } from './heads.ts';
import { HttpSession } from './http-session.ts';
import { REQUEST_NAMES } from './request-fields.ts';
import { hopOf, MAX_TARGET_BYTES, type RequestOrigin, RequestParser } from './request-parser.ts';
import { type ListenerSettings, listenerSettings } from './settings.ts';

const scanner = new HeadScanner(REQUEST_NAMES);
const parser = new RequestParser();

// What the connection is doing.
/** Between two requests, or within a head. */
const HEAD = 0;
/** A request is here whole or in part; its session has not ended. */
const SESSION = 1;
const TUNNEL = 2;
/** We have sent our last byte; what comes is thrown away until the client's end. */
const LINGER = 3;
const GONE = 4;

const NOTHING: Buffer = Buffer.alloc(0);

/** A closed socket with unread bytes resets, and the client may lose our answer: so we read on for a while (nginx's lingering_close). */
const LINGER_MS = 2_000;
/** A client that has sent its FIN may still be reading; it is taken for gone when nothing was written to it for this long. */
const HALF_CLOSED_MS = 1_000;
/** What may wait for a session to end (pipelined requests) before the socket is paused. */
const MAX_HELD = 64 * 1024;

/** A client's connection: takes requests off it, one after the other, and carries the answers. */
export class DownstreamConnection extends Timer implements ByteSink {
  readonly connection: Connection;
  readonly stream: ByteStream;
  readonly origin: RequestOrigin;
  /** The body of the current request. */
  readonly body = new BodyFraming();
  session: HttpSession | null = null;
  readonly #engine: Engine;
  readonly #scope: () => Scope;
  readonly #ended: () => void;
  settings: ListenerSettings;
  readonly #strict: boolean;
  #state = HEAD;
  /** What the one timer ends the connection with. */
  #overdue: Cause = 'downstream-idle-timeout';
  /** Bytes that came before anybody could take them, or a head that is not complete. */
  #held = NOTHING;
  // The bytes of the current call that nobody has taken yet.
  #rest = NOTHING;
  #restFrom = 0;
  #restTo = 0;
  #running = false;
  /** Whether the session takes the body now. */
  #flowing = false;
  #halfClosed = false;
  /** A write was refused, and its drain has not come. */
  #full = false;
  #sentAtTimer = 0;

  constructor(engine: Engine, stream: ByteStream, connection: Connection, scope: () => Scope, ended: () => void) {
    super();
    this.#engine = engine;
    this.stream = stream;
    this.connection = connection;
    this.#scope = scope;
    this.#ended = ended;
    this.settings = listenerSettings(scope().listener.settings);
    const { address, tls } = connection.peer;
    const client = address.family === 'unix' ? '' : address.host;
    this.origin = {
      trusted: isTrusted(this.settings.trustedPeers, connection.peer),
      address: client,
      secure: tls !== undefined,
      hop: hopOf(client, tls !== undefined),
      certificate: tls?.certificate && forwardedCertificate(tls, this.settings.clientCertificateDetails),
    };
    this.#strict = tls?.strict === true;
    engine.downstreams.add(this);
    const { keepalive } = this.settings.tcp;
    if (keepalive !== Number.POSITIVE_INFINITY) stream.keepAlive(keepalive);
    stream.onDrain(() => this.#drained());
    this.#expect('downstream-idle-timeout', this.settings.timeouts.idle);
    stream.read(this);
  }

  /** Whether its listener drains: no further request is taken. */
  get draining(): boolean {
    return this.#scope().draining === true;
  }

  // The stream

  bytes(b: Buffer, from: number, to: number): void {
    switch (this.#state) {
      case TUNNEL:
        this.session!.plane!.bytes('downstream', b, from, to);
        return;
      case HEAD:
      case SESSION:
        if (this.#running) this.#hold(b, from, to);
        else if (this.#held.length === 0) this.#run(b, from, to);
        else {
          this.#hold(b, from, to);
          if (this.#state === HEAD || this.#flowing) this.#run(NOTHING, 0, 0);
        }
    }
  }

  end(): void {
    this.#halfClosed = true;
    switch (this.#state) {
      case TUNNEL:
        this.session!.plane!.end('downstream');
        return;
      case SESSION:
        if (this.body.done) this.#watch();
        else this.session!.abort('downstream-closed');
        return;
      case HEAD:
        if (!this.#full) this.close('downstream-closed');
        return;
      default:
        this.stream.end();
    }
  }

  error(error: Error): void {
    if (this.session !== null) this.session.downstreamError = error;
  }

  closed(): void {
    const { session } = this;
    const tunnelled = this.#state === TUNNEL;
    this.#state = GONE;
    this.#engine.clock.disarm(this);
    this.#engine.downstreams.delete(this);
    this.#held = NOTHING;
    if (session !== null) {
      if (tunnelled) session.plane!.closed('downstream', session.downstreamError);
      else session.abort(session.downstreamError === undefined ? 'downstream-closed' : 'downstream-reset');
    }
    this.#ended();
  }

  expired(): void {
    const cause = this.#overdue;
    const reads = this.stream.sent !== this.#sentAtTimer;
    switch (this.#state) {
      case HEAD:
        if (cause === 'downstream-head-timeout') this.#refuse(cause);
        else if (cause !== 'downstream-write-timeout') this.close(cause);
        else if (reads) this.#watch();
        else this.stream.destroy(cause);
        return;
      case LINGER:
        if (this.stream.buffered > 0 && reads) this.#expect('downstream-write-timeout', LINGER_MS);
        else this.stream.destroy(cause);
        return;
      default:
        // A slow reader is not a stalled one.
        if (cause === 'downstream-body-timeout') this.session!.bodyFailed(cause);
        else if (reads) this.#watch();
        else if (this.#state === TUNNEL) this.session!.plane!.cut('downstream', cause);
        else this.session!.abort(cause);
    }
  }

  // The session

  /** Takes what is here of the body, for the first write; undefined where its framing is invalid. */
  takeFirstBody(): string | undefined {
    if (this.body.done || this.#restFrom === this.#restTo) return '';
    const from = this.#restFrom;
    const end = this.body.take(this.#rest, from, this.#restTo);
    if (end === INVALID) return undefined;
    this.#restFrom = end;
    return latin1(this.#rest, from, end);
  }

  /** The session takes the body from here on: what has come, and what comes. */
  flow(): void {
    if (this.#flowing || this.#state !== SESSION) return;
    this.#flowing = true;
    this.stream.resume();
    this.#watch();
    if (!this.#running) this.#run(NOTHING, 0, 0);
  }

  /** The session takes nothing more until {@link flow}. */
  stop(): void {
    if (!this.#flowing) return;
    this.#flowing = false;
    // With nothing more to come but the next request, reading goes on: so a client that leaves is noticed.
    if (!this.body.done) this.stream.pause();
    this.#watch();
  }

  /** A write to the client is waiting: it has to read within `timeouts.write`. */
  stalled(): void {
    this.#full = true;
    this.#watch();
  }

  /** The session is over and its answer is written. `keep`: the connection may carry another request; `asked`: its client wants none. */
  sessionDone(keep: boolean, asked: boolean): void {
    this.session = null;
    this.#flowing = false;
    if (this.#state === GONE) return;
    if (!keep || this.draining) {
      // Who asked for the close sends nothing more, so that nothing can be lost by not waiting for him.
      if (asked && this.#readAll && this.stream.closeWhenSent()) return;
      return this.close('complete');
    }
    this.#state = HEAD;
    this.#watch();
    // Who does not read his answers gets no further ones.
    if (this.#full) this.stream.pause();
    else this.#next();
  }

  /** Goes on with the next request, which may have come already. */
  #next(): void {
    this.stream.resume();
    if (!this.#running) this.#run(NOTHING, 0, 0);
  }

  /** Whether the request was the last thing that has come. */
  get #readAll(): boolean {
    return this.body.done && this.#held.length === 0 && this.#restFrom === this.#restTo;
  }

  /** From here on bytes are the plane's. Returns those that came behind the handshake. */
  tunnel(): Buffer {
    this.#state = TUNNEL;
    this.#flowing = false;
    this.#watch();
    const rest = Buffer.concat([this.#rest.subarray(this.#restFrom, this.#restTo), this.#held]);
    this.#restFrom = this.#restTo;
    this.#held = NOTHING;
    return rest;
  }

  /** The plane has taken what came before; and the client may have gone meanwhile. */
  startTunnel(): void {
    if (this.#state !== TUNNEL) return;
    if (this.#halfClosed) this.session!.plane!.end('downstream');
    else this.stream.resume();
  }

  /** What was waiting to be written has gone. */
  released(): void {
    this.#full = false;
    this.#watch();
  }

  /** Sends what is queued, then our FIN, and reads on for a moment, so that the client gets it all. */
  close(_cause: Cause): void {
    if (this.#state === GONE || this.#state === LINGER) return;
    this.#state = LINGER;
    this.session = null;
    this.#held = NOTHING;
    this.stream.end();
    this.stream.resume();
    this.#expect('downstream-write-timeout', LINGER_MS);
  }

  /** Ends a connection that carries no session; says whether it did. For a drain. */
  closeIdle(): boolean {
    if (this.#state !== HEAD || this.#held.length > 0) return false;
    this.close('drain');
    return true;
  }

  // Requests

  /** Works through what has come, until it is used up or somebody has to wait. */
  #run(b: Buffer, from: number, to: number): void {
    this.#running = true;
    this.#rest = b;
    this.#restFrom = from;
    this.#restTo = to;
    for (;;) {
      if (this.#restFrom === this.#restTo) {
        if (this.#held.length === 0) break;
        this.#rest = this.#held;
        this.#restFrom = 0;
        this.#restTo = this.#held.length;
        this.#held = NOTHING;
      }
      if (this.#state === HEAD) {
        if (this.#full || !this.#head()) break;
      } else if (this.#state === SESSION && this.#flowing && !this.body.done) this.#takeBody();
      else break;
    }
    this.#running = false;
    if (this.#restFrom < this.#restTo && this.#state <= SESSION) {
      const later = this.#held;
      this.#held = NOTHING;
      this.#hold(this.#rest, this.#restFrom, this.#restTo);
      if (later.length > 0) this.#hold(later, 0, later.length);
    }
    this.#rest = NOTHING;
    this.#restFrom = 0;
    this.#restTo = 0;
    // All that had come before the client's FIN is answered; a piece of a head is nothing to answer.
    if (this.#state === HEAD && this.#halfClosed && !this.#full) this.close('complete');
  }

  /** Begins the session of a complete head; false where more bytes are needed, or none are wanted. */
  #head(): boolean {
    const b = this.#rest;
    let from = this.#restFrom;
    const to = this.#restTo;
    // An empty line before a request is passed over (RFC 9112 §2.2).
    if (b[from] === 13 && to - from > 1 && b[from + 1] === 10) {
      from += 2;
      this.#restFrom = from;
      if (from === to) return true;
    }
    const end = scanner.scan(b, from, to);
    if (end < 0) {
      if (end === NEED_MORE) {
        if (this.#overdue !== 'downstream-head-timeout')
          this.#expect('downstream-head-timeout', this.settings.timeouts.head);
        return false;
      }
      if (end === MALFORMED) this.#refuse('downstream-malformed');
      else this.#refuse(targetTooLong(b, from, to) ? 'downstream-target-too-long' : 'downstream-head-too-large');
      return false;
    }
    scanner.read(end);
    let cause = parser.parse(scanner, this.origin);
    if (cause === undefined && this.#strict && isMisdirected(this.connection.peer.tls!, parser.request.host))
      cause = 'downstream-misdirected';
    if (cause !== undefined) {
      this.#refuse(cause);
      return false;
    }
    this.#restFrom = end;
    this.#state = SESSION;
    this.#overdue = 'downstream-idle-timeout';
    this.#engine.clock.suspend(this);
    const scope = this.#scope();
    const session = new HttpSession(this.#engine, this, scope, parser);
    session.bytesReceived = end - from;
    this.session = session;
    this.body.begin(parser.framing, parser.length);
    session.begin();
    return true;
  }

  #takeBody(): void {
    const { session } = this;
    const from = this.#restFrom;
    const end = this.body.take(this.#rest, from, this.#restTo);
    this.#restFrom = end === INVALID ? this.#restTo : end;
    // A transform that got the bytes may have ended it all.
    if (session === null || this.session !== session) return;
    if (end === INVALID) return session.bodyFailed('downstream-malformed');
    this.#watch();
    session.requestBody(this.#rest, from, end);
  }

  #hold(b: Buffer, from: number, to: number): void {
    this.#held =
      this.#held.length === 0 ? Buffer.from(b.subarray(from, to)) : Buffer.concat([this.#held, b.subarray(from, to)]);
    if (this.#state === SESSION && !(this.body.done && this.#held.length < MAX_HELD)) this.stream.pause();
  }

  #drained(): void {
    if (!this.#full) return;
    this.#full = false;
    if (this.#state <= SESSION) this.#watch();
    if (this.#state === HEAD) this.#next();
    else this.session?.downstreamDrained();
  }

  /** Answers what never became a session, and closes: nothing behind it on the connection can be trusted. */
  #refuse(cause: Cause): void {
    const { status, doc } = describeCause(cause);
    this.#engine.refused(this.connection, cause);
    const headers: Record<string, string> = {};
    if (status === 405) headers['allow'] = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
    if (status === 426) headers['sec-websocket-version'] = '13';
    const { view, body } = localReply(status, `${cause}: ${doc}`, headers);
    const upgrade = status === 426 ? 'upgrade: websocket\r\nconnection: close, upgrade\r\n' : 'connection: close\r\n';
    this.stream.write(`${view.line}${view.fields}${upgrade}\r\n${body}`);
    this.#restFrom = this.#restTo;
    this.close(cause);
  }

  /** Arms the one timer for what is waited for: the reader, the body, the end of a client that has sent its FIN, a request. */
  #watch(): void {
    const { timeouts } = this.settings;
    if (this.#full) {
      // Bytes that come do not excuse a reader that does not read.
      const waiting = this.#overdue === 'downstream-write-timeout' && this.at !== Number.POSITIVE_INFINITY;
      if (!waiting) this.#expect('downstream-write-timeout', timeouts.write);
    } else if (this.#state === HEAD) this.#expect('downstream-idle-timeout', timeouts.idle);
    else if (this.#flowing && !this.body.done) this.#expect('downstream-body-timeout', timeouts.body);
    else if (this.#halfClosed && this.#state === SESSION) this.#expect('downstream-closed', HALF_CLOSED_MS);
    else this.#engine.clock.suspend(this);
  }

  #expect(cause: Cause, ms: number): void {
    this.#overdue = cause;
    if (cause === 'downstream-write-timeout' || cause === 'downstream-closed') this.#sentAtTimer = this.stream.sent;
    this.#engine.clock.arm(this, ms);
  }
}

/** Whether what fills the head is its request line. */
function targetTooLong(b: Buffer, from: number, to: number): boolean {
  const end = b.indexOf('\r\n', from, 'latin1');
  return (end === -1 || end > to ? Math.min(to - from, MAX_HEAD_BYTES) : end - from) > MAX_TARGET_BYTES;
}

/** Whether a request names another host than its connection did. An IP address is never a server name (RFC 6066 §3). */
function isMisdirected({ serverName }: TlsInfo, host: string): boolean {
  return serverName === undefined ? isIP(host) === 0 : host !== serverName;
}
