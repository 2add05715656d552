import { type Cause, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { W3cPropagation } from '../src/propagation.ts';
import { parentBased } from '../src/sampler.ts';
import { SessionSpans } from '../src/session-spans.ts';
import { SpanKind, type SpanRecord } from '../src/span.ts';
import { trustIn } from '../src/trust.ts';
import { attemptAt, contentOf, outcomeOf, overlaid, type SessionOptions, sessionFor } from './stand-ins.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

function recording(sampled = true) {
  const clock = new VirtualClock();
  const spans: SpanRecord[] = [];
  const sampler = parentBased(() => sampled);
  const propagation = new W3cPropagation({ sampler, trusts: trustIn('all') });
  const hooks = new SessionSpans({
    propagation,
    clock,
    segmentMs: Number.POSITIVE_INFINITY,
    sink: (span) => void spans.push(span),
  });
  return { clock, spans, hooks };
}

/** The attributes of the SERVER span of a session that goes straight through. */
function serverOf(options: SessionOptions, cause: Cause = 'complete', status: number | undefined = 200, local = false) {
  const { hooks, spans } = recording();
  const session = sessionFor(options);
  hooks.onRequest(session);
  if (local) session.response = { status: status ?? 0, local } as typeof session.response;
  hooks.onSessionEnd(session, outcomeOf(cause, status));
  return contentOf(spans[0]!);
}

describe('spans of a session', () => {
  it('are a SERVER and a CLIENT span, the traceparent that goes up naming the latter', () => {
    const { clock, hooks, spans } = recording();
    clock.advance(100);
    const session = sessionFor({ headers: [['traceparent', `00-${TRACE}-${SPAN}-01`]], startedAt: 100 });
    hooks.onRequest(session);
    clock.advance(5);
    const attempt = attemptAt('127.0.0.1:4001', 1, clock.now());
    hooks.onAttempt(session, attempt);
    clock.advance(20);
    attempt.status = 200;
    hooks.onAttemptEnd(session, attempt);
    clock.advance(30);
    hooks.onSessionEnd(session, outcomeOf('complete', 200, 55));

    const [client, server] = spans as [SpanRecord, SpanRecord];
    expect([server.kind, client.kind]).to.deep.equal([SpanKind.SERVER, SpanKind.CLIENT]);
    expect(server.parent).to.include({ traceId: TRACE, spanId: SPAN, remote: true });
    expect(client.parent).to.include({ traceId: TRACE, spanId: server.spanId, remote: false });
    expect(overlaid(attempt, 'traceparent')).to.equal(`00-${TRACE}-${client.spanId}-01`);
    expect([server.startedAt, server.endedAt]).to.deep.equal([100, 155]);
    expect([client.startedAt, client.endedAt]).to.deep.equal([105, 155]);
  });

  it('are none where the session is not sampled', () => {
    const { hooks, spans } = recording(false);
    const session = sessionFor();
    const attempt = attemptAt('127.0.0.1:4001');
    hooks.onRequest(session);
    hooks.onAttempt(session, attempt);
    hooks.onAttemptEnd(session, attempt);
    hooks.onSessionEnd(session, outcomeOf('complete', 200));
    expect(spans).to.deep.equal([]);
    expect(attempt.headers.names).to.deep.equal([]);
  });

  it('are one CLIENT span for each attempt', () => {
    const { clock, hooks, spans } = recording();
    const session = sessionFor({ startedAt: 0 });
    hooks.onRequest(session);
    const [first, second, third] = [1, 2, 3].map((number) =>
      attemptAt(`10.0.0.${number}:80`, number, [0, 10, 30][number - 1]),
    );
    hooks.onAttempt(session, first!);
    clock.advance(10);
    first!.failure = { cause: 'connect-refused' };
    hooks.onAttemptEnd(session, first!);
    hooks.onAttempt(session, second!);
    clock.advance(10);
    second!.status = 503;
    hooks.onAttemptEnd(session, second!);
    clock.advance(10);
    hooks.onAttempt(session, third!);
    clock.advance(10);
    third!.status = 200;
    hooks.onAttemptEnd(session, third!);
    hooks.onSessionEnd(session, outcomeOf('complete', 200, 40));

    const clients = spans.filter(({ kind }) => kind === SpanKind.CLIENT);
    const told = clients.map((span) => {
      const { attributes, error } = contentOf(span);
      const { 'http.request.resend_count': resend, 'error.type': type, 'server.address': address } = attributes;
      return { address, resend, type, error, ms: span.endedAt - span.startedAt };
    });
    expect(told).to.deep.equal([
      { address: '10.0.0.1', resend: undefined, type: 'connect-refused', error: true, ms: 10 },
      { address: '10.0.0.2', resend: 1, type: '503', error: true, ms: 10 },
      { address: '10.0.0.3', resend: 2, type: undefined, error: false, ms: 10 },
    ]);
    expect(new Set([first, second, third].map((attempt) => overlaid(attempt!, 'traceparent'))).size).to.equal(3);
    expect(spans).to.have.length(4);
  });

  it('of a WebSocket end with its handshake, once', () => {
    const { clock, hooks, spans } = recording();
    const session = sessionFor({ kind: 'websocket' });
    const attempt = attemptAt('127.0.0.1:4001');
    hooks.onRequest(session);
    hooks.onAttempt(session, attempt);
    attempt.status = 101;
    clock.advance(7);
    hooks.onAttemptEnd(session, attempt);
    hooks.onOpen(session);
    expect(spans.map(({ endedAt }) => endedAt)).to.deep.equal([7, 7]);
    const { attributes, error } = contentOf(spans[1]!);
    expect(attributes['http.response.status_code']).to.equal(101);
    expect(error).to.equal(false);
    clock.advance(60_000);
    hooks.onSessionEnd(session, outcomeOf('upstream-closed', 101));
    expect(spans.map(({ kind }) => kind)).to.deep.equal([SpanKind.CLIENT, SpanKind.SERVER, SpanKind.INTERNAL]);
  });

  it('of a WebSocket that is refused end with its session', () => {
    const { hooks, spans } = recording();
    const session = sessionFor({ kind: 'websocket' });
    hooks.onRequest(session);
    hooks.onSessionEnd(session, outcomeOf('no-endpoint', 503));
    expect(spans.map((span) => contentOf(span).attributes['error.type'])).to.deep.equal(['no-endpoint']);
  });
});

describe('a SERVER span', () => {
  it('says what the HTTP conventions ask for', () => {
    const { name, attributes } = serverOf({
      target: '/ws/room?id=7&sig=secret',
      headers: [
        ['user-agent', 'test/1'],
        ['x-forwarded-for', '203.0.113.9, 192.0.2.7'],
      ],
      path: '/ws',
      tls: true,
    });
    expect(name).to.equal('GET /ws/*');
    expect(attributes).to.deep.equal({
      'http.request.method': 'GET',
      'url.scheme': 'https',
      'url.path': '/ws/room',
      'url.query': 'id=7&sig=REDACTED',
      'server.address': 'chat.example.com',
      'server.port': 8080,
      'client.address': '203.0.113.9',
      'network.peer.address': '192.0.2.7',
      'network.peer.port': 40_000,
      'network.protocol.version': '1.1',
      'user_agent.original': 'test/1',
      'http.response.status_code': 200,
      'http.route': '/ws/*',
      'outrigger.listener': 'inbound',
      'outrigger.session.id': '1',
      'outrigger.generation': 3,
      'outrigger.cluster': 'chat',
      'outrigger.cause': 'complete',
      'outrigger.route': 'inbound[0]',
    });
  });

  const names: readonly [what: string, options: SessionOptions, name: string, attributes: Record<string, unknown>][] = [
    ['a route for one path', { path: '=/x' }, 'GET /x', { 'http.route': '/x' }],
    ['a route for every path', {}, 'GET', { 'http.request.method': 'GET' }],
    [
      'a method that is not known',
      { method: 'FROBNICATE' },
      'HTTP',
      { 'http.request.method': '_OTHER', 'http.request.method_original': 'FROBNICATE' },
    ],
    ['an authority without port', { authority: 'a.example' }, 'GET', { 'server.port': 80 }],
    ['no X-Forwarded-For', {}, 'GET', { 'client.address': '192.0.2.7' }],
    [
      'an X-Forwarded-For of words',
      { headers: [['x-forwarded-for', 'unknown']] },
      'GET',
      { 'client.address': '192.0.2.7' },
    ],
  ];
  for (const [what, options, name, attributes] of names) {
    it(`of ${what} is called ${name} and says ${JSON.stringify(attributes)}`, () => {
      const content = serverOf(options);
      expect(content.name).to.equal(name);
      expect(content.attributes).to.include(attributes);
    });
  }

  const errors: readonly [cause: Cause, status: number | undefined, local: boolean, type: string | undefined][] = [
    ['complete', 200, false, undefined],
    ['complete', 404, false, undefined],
    ['complete', 500, false, '500'],
    ['no-route', 404, true, undefined],
    ['plugin:require-header', 403, true, undefined],
    ['no-endpoint', 503, true, 'no-endpoint'],
    ['connect-refused', 502, true, 'connect-refused'],
    ['upstream-aborted', 200, false, 'upstream-aborted'],
    ['upstream-aborted', 404, false, 'upstream-aborted'],
    ['downstream-closed', undefined, false, 'downstream-closed'],
  ];
  for (const [cause, status, local, type] of errors) {
    it(`of ${cause} with ${status ?? 'no status'} is ${type === undefined ? 'no error' : `the error ${type}`}`, () => {
      const { attributes, error } = serverOf({}, cause, status, local);
      expect(attributes['error.type']).to.equal(type);
      expect(error).to.equal(type !== undefined);
    });
  }
});

describe('a CLIENT span', () => {
  const table: readonly [address: string, attributes: Record<string, unknown>][] = [
    ['127.0.0.1:4001', { 'server.address': '127.0.0.1', 'server.port': 4001, 'url.full': 'http://127.0.0.1:4001/a?b' }],
    ['[::1]:4001', { 'server.address': '::1', 'server.port': 4001, 'url.full': 'http://[::1]:4001/a?b' }],
    ['unix:/run/a.sock', { 'server.address': '/run/a.sock', 'url.full': 'http://chat.example.com:8080/a?b' }],
  ];
  for (const [address, attributes] of table) {
    it(`of ${address} says ${JSON.stringify(attributes)}`, () => {
      const { hooks, spans } = recording();
      const session = sessionFor({ target: '/a?b' });
      hooks.onRequest(session);
      hooks.onAttempt(session, attemptAt(address));
      hooks.onSessionEnd(session, outcomeOf('complete', 200));
      expect(contentOf(spans[0]!).attributes).to.include(attributes);
    });
  }

  for (const [cause, status, type] of [
    ['upstream-aborted', 200, 'upstream-aborted'],
    ['downstream-closed', 200, undefined],
    ['complete', 404, '404'],
  ] as const) {
    it(`of ${cause} with ${status} is ${type === undefined ? 'no error' : `the error ${type}`}`, () => {
      const { hooks, spans } = recording();
      const session = sessionFor();
      const attempt = attemptAt('127.0.0.1:4001');
      hooks.onRequest(session);
      hooks.onAttempt(session, attempt);
      attempt.status = status;
      hooks.onAttemptEnd(session, attempt);
      hooks.onSessionEnd(session, outcomeOf(cause, status));
      expect(contentOf(spans[0]!).attributes['error.type']).to.equal(type);
    });
  }
});
