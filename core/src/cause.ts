/** Who made a session end: the side that connected to us, the side that we connect to, or we ourselves. */
export type Initiator = 'downstream' | 'upstream' | 'sidecar';

/** What a cause means: for logs and metrics, for the answer to the client, and for whoever thinks of a retry. */
export interface CauseInfo {
  /** Where the cause lies (Pingora's error source). */
  readonly source: Initiator;
  /** What the client is answered while nothing has gone down yet; 0 where there is nobody left to answer. */
  readonly status: number;
  /** What an open WebSocket is closed with (RFC 6455 §7.4.1); 0 where its stream is cut without a Close. */
  readonly closeCode: number;
  /** Whether another endpoint may do better, so long as nothing was sent down. */
  readonly retryable: boolean;
  /** One sentence for people; `docs/errors.md` carries one heading for each cause. */
  readonly doc: string;
}

const cause = (source: Initiator, status: number, closeCode: number, doc: string, retryable = false): CauseInfo => ({
  source,
  status,
  closeCode,
  retryable,
  doc,
});

/** The closed list of what ends a session or a connection. `docs/errors.md` has a heading for each, and a test says so. */
export const CAUSES = {
  complete: cause('downstream', 0, 1000, 'The exchange, or the closing handshake of the WebSocket, came to its end.'),

  'downstream-closed': cause('downstream', 0, 0, 'The client closed its connection before the session had ended.'),
  'downstream-reset': cause('downstream', 0, 0, 'The client reset its connection.'),
  'downstream-malformed': cause('downstream', 400, 1002, 'The request does not follow RFC 9112, or is ambiguous.'),
  'downstream-head-too-large': cause('downstream', 431, 0, 'The head of the request is over 16 KiB or 100 fields.'),
  'downstream-target-too-long': cause('downstream', 414, 0, 'The request target is over 8 KiB.'),
  'downstream-version': cause('downstream', 505, 0, 'The version is neither HTTP/1.0 nor HTTP/1.1.'),
  'downstream-method': cause('downstream', 405, 0, 'CONNECT and TRACE are not served.'),
  'downstream-head-timeout': cause('downstream', 408, 0, 'The head was not complete in time (`timeouts.head`).'),
  'downstream-body-timeout': cause('downstream', 408, 0, 'The body stalled (`timeouts.body`).'),
  'downstream-write-timeout': cause('downstream', 0, 1001, 'The client stopped reading (`timeouts.write`).'),
  'downstream-idle-timeout': cause('downstream', 0, 0, 'No request came on a kept connection (`timeouts.idle`).'),
  'downstream-handshake': cause('downstream', 400, 0, 'The WebSocket handshake is malformed (RFC 6455 §4.2.1).'),
  'downstream-handshake-version': cause('downstream', 426, 0, 'The WebSocket version is not 13.'),
  'downstream-websocket-protocol': cause('downstream', 0, 1002, 'The client broke the WebSocket protocol.'),
  'downstream-websocket-utf8': cause('downstream', 0, 1007, 'The client sent text that is not UTF-8.'),
  'downstream-websocket-too-big': cause('downstream', 0, 1009, 'The client sent a message over `maxMessageSize`.'),

  'downstream-misdirected': cause(
    'downstream',
    421,
    0,
    'The request names another host than its TLS connection did (`tls.strictSni`; RFC 9110 §15.5.20).',
  ),

  'tls-plaintext': cause('downstream', 400, 0, 'The client did not speak TLS where TLS is spoken.'),
  'tls-handshake': cause('downstream', 0, 0, 'The TLS handshake with the client failed; the log says how.'),
  'tls-handshake-timeout': cause('downstream', 0, 0, 'The TLS handshake was not over in time.'),
  'tls-handshake-limit': cause('sidecar', 0, 0, 'Too many TLS handshakes were waiting; the oldest one was cut.'),
  'tls-aborted': cause('downstream', 0, 0, 'The client left in the middle of the TLS handshake.'),
  'tls-version': cause('downstream', 0, 0, 'The client speaks no TLS version from `minVersion` on.'),
  'tls-no-shared-cipher': cause('downstream', 0, 0, 'The client and the listener share no cipher, curve or signature.'),
  'tls-no-protocol': cause('downstream', 0, 0, 'The client offered protocols by ALPN, none of which is spoken here.'),
  'tls-refused': cause('downstream', 0, 0, 'The client did not accept our certificate.'),
  'tls-client-certificate-missing': cause(
    'downstream',
    400,
    0,
    'The listener requires a client certificate; none came.',
  ),
  'tls-client-certificate-unknown-ca': cause(
    'downstream',
    400,
    0,
    'The certificate of the client is not of `clientCa`.',
  ),
  'tls-client-certificate-expired': cause('downstream', 400, 0, 'The certificate of the client is not valid now.'),
  'tls-client-certificate-invalid': cause(
    'downstream',
    400,
    0,
    'The certificate of the client is not good for clients.',
  ),

  'no-route': cause('sidecar', 404, 0, 'No route of the listener matches.'),
  'ambiguous-path': cause('downstream', 400, 0, 'Normalised, the path would take another route.'),
  'no-endpoint': cause('upstream', 503, 0, 'The cluster has no eligible endpoint.', true),
  'connect-refused': cause('upstream', 502, 0, 'The endpoint refused the connection.', true),
  'connect-timeout': cause('upstream', 504, 0, 'The endpoint did not accept in time (`timeouts.connect`).', true),
  'connect-failed': cause('upstream', 502, 0, 'The connection to the endpoint failed.', true),
  'upstream-tls': cause('upstream', 502, 0, 'The TLS handshake with the endpoint failed.', true),
  'upstream-certificate': cause(
    'upstream',
    502,
    0,
    'The certificate of the endpoint is not valid, not of `tls.ca`, or not for its name; nothing was sent.',
    true,
  ),
  'upstream-reset': cause('upstream', 502, 0, 'The endpoint closed or reset before its response head.', true),
  'upstream-aborted': cause('upstream', 502, 0, 'The endpoint closed or reset within its response.'),
  'upstream-malformed': cause('upstream', 502, 0, 'The response does not follow RFC 9112, or is ambiguous.'),
  'upstream-response-timeout': cause('upstream', 504, 0, 'No response head came in time (`timeouts.response`).', true),
  'upstream-total-timeout': cause('upstream', 504, 0, 'The exchange was not over in time (`timeouts.total`).'),
  'upstream-write-timeout': cause('upstream', 504, 1011, 'The endpoint stopped reading the request.'),
  'upstream-handshake': cause(
    'upstream',
    502,
    0,
    'The 101 of the endpoint is not a valid WebSocket handshake, or was not asked for.',
  ),
  'upstream-closed': cause('upstream', 0, 0, 'The endpoint closed an open WebSocket without a Close frame.'),
  'upstream-websocket-protocol': cause('upstream', 0, 1002, 'The endpoint broke the WebSocket protocol.'),
  'upstream-websocket-utf8': cause('upstream', 0, 1007, 'The endpoint sent text that is not UTF-8.'),
  'upstream-websocket-too-big': cause('upstream', 0, 1009, 'The endpoint sent a message over `maxMessageSize`.'),

  'downstream-pong-timeout': cause(
    'downstream',
    0,
    1001,
    'The client of a WebSocket did not answer a Ping in time (`keepalive.timeout`), nor sent anything else.',
  ),
  'upstream-pong-timeout': cause(
    'upstream',
    0,
    1011,
    'The endpoint of a WebSocket did not answer a Ping in time (`keepalive.timeout`), nor sent anything else.',
  ),

  'close-timeout': cause('sidecar', 0, 0, 'A peer did not answer a Close frame within 5 s.'),
  expired: cause('sidecar', 401, 1008, 'The session passed the `expiresAt` that a plugin had set.'),
  'idle-timeout': cause('sidecar', 0, 1001, 'No message went either way for `keepalive.idleTimeout`.'),
  'max-age': cause(
    'sidecar',
    0,
    1001,
    'The stream has reached its `keepalive.maxAge`; the client may come back at once.',
  ),
  'admin-closed': cause('sidecar', 503, 1001, 'Somebody closed the session on the admin address.'),
  'plugin-closed': cause('sidecar', 0, 1001, 'A plugin closed the WebSocket, outside of its hooks.'),
  drain: cause('sidecar', 503, 1001, 'The sidecar, the listener or the endpoint is draining.'),
  'route-changed': cause('sidecar', 503, 1012, 'A reload changed the route, whose `onChange` is `drain`.'),
  'drain-deadline': cause('sidecar', 503, 1001, 'The session was still open at the end of `drain.timeout`.'),
  'endpoint-gone': cause(
    'sidecar',
    503,
    1001,
    "The endpoint has left its cluster's list, and the session was still open at the end of the cluster's `drain.timeout`.",
  ),
  'descriptor-limit': cause('sidecar', 0, 0, 'File descriptors are nearly used up; the connection was closed at once.'),
  internal: cause('sidecar', 500, 1011, 'A defect of the sidecar; the log has the stack.'),
} as const satisfies Record<string, CauseInfo>;

/** Why a session or connection ended: one of {@link CAUSES}, or `plugin:<name>` where a plugin ended it. */
export type Cause = keyof typeof CAUSES | `plugin:${string}`;

const PLUGIN: CauseInfo = cause('sidecar', 500, 1011, 'A plugin ended the session.');

/** What `name` means. A plugin's cause is ours (`sidecar`), answered with 500 or 1011 unless the plugin said otherwise. */
export function describeCause(name: Cause): CauseInfo {
  return (CAUSES as Record<string, CauseInfo>)[name] ?? PLUGIN;
}

/** The error code that belongs to a cause: `no-endpoint` → `OUTRIGGER_NO_ENDPOINT`. */
export function errorCode(name: Cause): string {
  return `OUTRIGGER_${name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`;
}

/** A failure on a session's way, with the four questions of Pingora's errors answered: what, whose, again?, because of. */
export class OutriggerError extends Error {
  readonly code: string;
  readonly source: Initiator;
  readonly retryable: boolean;

  readonly reason: Cause;

  constructor(reason: Cause, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.name = 'OutriggerError';
    const info = describeCause(reason);
    this.code = errorCode(reason);
    this.source = info.source;
    this.retryable = info.retryable;
  }
}

/** How a session ended. There is exactly one for each. */
export interface Outcome {
  readonly cause: Cause;
  readonly initiator: Initiator;
  /** The status that went down, 101 for an opened WebSocket; undefined where none did. */
  readonly status?: number | undefined;
  /** WebSocket close codes that went down and came from downstream; undefined where no Close frame did. */
  readonly closeCodeSent?: number | undefined;
  readonly closeCodeReceived?: number | undefined;
  /** The same of the leg towards the endpoint: what went up, and what came from there. */
  readonly upstreamCloseCodeSent?: number | undefined;
  readonly upstreamCloseCodeReceived?: number | undefined;
  /** Number of the generation that the session began with. */
  readonly generation: number;
  /** The plugin that ended it, where one did. */
  readonly plugin?: string | undefined;
  readonly error?: Error | undefined;
  /** From the complete head to the end, in milliseconds. */
  readonly durationMs: number;
  /** Bytes that came from downstream and went down, heads and framing included. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Whole WebSocket messages passed on, from downstream and from upstream. 0 on the bytes plane. */
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Messages that arrived after our Close and were not passed on. */
  readonly undelivered: number;
}
