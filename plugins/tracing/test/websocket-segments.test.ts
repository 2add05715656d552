import { type Message, type Outcome, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { W3cPropagation } from '../src/propagation.ts';
import { parentBased } from '../src/sampler.ts';
import { MessageSpans, SessionSpans } from '../src/session-spans.ts';
import { SpanKind, type SpanRecord } from '../src/span.ts';
import { trustIn } from '../src/trust.ts';
import { contentOf, outcomeOf, type SessionOptions, sessionFor, type TestSession } from './stand-ins.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

interface Given {
  readonly sampled?: boolean;
  readonly segmentMs?: number;
  readonly messages?: number;
  readonly session?: SessionOptions;
}

/** An open WebSocket. */
function opened({ sampled = true, segmentMs = 60_000, messages, session: options }: Given = {}) {
  const clock = new VirtualClock();
  const spans: SpanRecord[] = [];
  /** What each of them said when it was written. */
  const told: ReturnType<typeof contentOf>[] = [];
  const given = {
    propagation: new W3cPropagation({ sampler: parentBased(() => sampled), trusts: trustIn('all') }),
    clock,
    segmentMs,
    sink(span: SpanRecord) {
      spans.push(span);
      told.push(contentOf(span));
    },
  };
  const hooks = messages === undefined ? new SessionSpans(given) : new MessageSpans(given, messages);
  const session = sessionFor({
    kind: 'websocket',
    headers: [['traceparent', `00-${TRACE}-00f067aa0ba902b7-01`]],
    ...options,
  });
  hooks.onRequest(session);
  const watches = hooks instanceof MessageSpans && hooks.watchesMessages(session);
  hooks.onOpen(session);
  return { clock, hooks, session, spans, told, watches };
}

function count(session: TestSession, side: 'downstream' | 'upstream', ...sizes: readonly number[]): void {
  for (const size of sizes) {
    if (side === 'downstream') session.messagesReceived++;
    else session.messagesSent++;
    session.sized(side, size);
  }
}

const ended = (more: Partial<Outcome> = {}): Outcome =>
  ({ ...outcomeOf('complete', 101), initiator: 'downstream', undelivered: 0, ...more }) as Outcome;

describe('segments of a WebSocket', () => {
  it('are written every so often, and at its end', () => {
    const { clock, hooks, session, spans } = opened();
    clock.advance(60_200);
    clock.advance(60_200);
    clock.advance(10_000);
    hooks.onSessionEnd(session, ended());
    const segments = spans.slice(1);
    expect(segments.map(({ startedAt, endedAt }) => Math.round((endedAt - startedAt) / 1000))).to.deep.equal([
      60, 60, 10,
    ]);
    expect(segments.map((span) => contentOf(span).attributes['outrigger.websocket.segment'])).to.deep.equal([1, 2, 3]);
    clock.advance(600_000);
    expect(spans).to.have.length(4);
  });

  it('are one alone where they are off', () => {
    const { clock, hooks, session, spans } = opened({ segmentMs: Number.POSITIVE_INFINITY });
    clock.advance(600_000);
    expect(spans).to.have.length(1);
    hooks.onSessionEnd(session, ended());
    expect(spans[1]!.endedAt - spans[1]!.startedAt).to.equal(600_000);
  });

  it('are traces of their own, each linked to the handshake', () => {
    const { clock, hooks, session, spans } = opened();
    clock.advance(60_200);
    hooks.onSessionEnd(session, ended());
    const [handshake, ...segments] = spans as [SpanRecord, ...SpanRecord[]];
    for (const segment of segments) {
      expect(segment.kind).to.equal(SpanKind.INTERNAL);
      expect(segment.parent.spanId).to.equal(undefined);
      const { name, links } = contentOf(segment);
      expect(name).to.equal('websocket segment');
      expect(links).to.deep.equal([{ traceId: TRACE, spanId: handshake.spanId, flags: 0x101 }]);
    }
    expect(new Set(spans.map(({ parent }) => parent.traceId)).size).to.equal(3);
  });

  it('say what came and went in their own time', () => {
    const { clock, hooks, session, told } = opened();
    session.bytesReceived = 500;
    session.bytesSent = 700;
    count(session, 'downstream', 0, 64, 65, 2_000_000);
    clock.advance(60_200);
    session.bytesReceived = 510;
    count(session, 'upstream', 1024);
    hooks.onPong(session, 'downstream', 12.5);
    hooks.onPong(session, 'downstream', 4);
    hooks.onSessionEnd(session, ended());
    const [first, second] = told.slice(1).map(({ attributes }) => attributes);
    expect(first).to.deep.equal({
      'outrigger.session.id': '1',
      'outrigger.listener': 'inbound',
      'outrigger.route': 'inbound[0]',
      'outrigger.cluster': 'chat',
      'outrigger.websocket.segment': 1,
      'outrigger.websocket.bytes.received': 500,
      'outrigger.websocket.bytes.sent': 700,
      'outrigger.websocket.messages.received': 4,
      'outrigger.websocket.messages.sent': 0,
      'outrigger.websocket.sizes.bounds': [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576],
      'outrigger.websocket.sizes.received': [2, 1, 0, 0, 0, 0, 0, 0, 1],
    });
    expect(second).to.deep.include({
      'outrigger.websocket.bytes.received': 10,
      'outrigger.websocket.bytes.sent': 0,
      'outrigger.websocket.messages.received': 0,
      'outrigger.websocket.messages.sent': 1,
      'outrigger.websocket.sizes.sent': [0, 0, 1, 0, 0, 0, 0, 0, 0],
      'outrigger.websocket.ping.downstream.count': 2,
      'outrigger.websocket.ping.downstream.min_ms': 4,
      'outrigger.websocket.ping.downstream.mean_ms': 8.25,
      'outrigger.websocket.ping.downstream.max_ms': 12.5,
    });
    expect(second).not.to.have.any.keys(
      'outrigger.websocket.ping.upstream.count',
      'outrigger.websocket.sizes.received',
    );
  });

  it('say what had come by their end, however late they are written', () => {
    const { clock, session, spans } = opened();
    session.bytesReceived = 500;
    count(session, 'downstream', 64);
    clock.advance(60_200);
    session.bytesReceived = 900;
    count(session, 'downstream', 64);
    expect(contentOf(spans[1]!).attributes).to.deep.include({
      'outrigger.websocket.bytes.received': 500,
      'outrigger.websocket.messages.received': 1,
      'outrigger.websocket.sizes.received': [1, 0, 0, 0, 0, 0, 0, 0, 0],
    });
  });

  it('say at the end how it ended', () => {
    const { clock, hooks, session, spans } = opened();
    clock.advance(60_200);
    hooks.onSessionEnd(
      session,
      ended({ cause: 'drain', initiator: 'sidecar', closeCodeReceived: 1001, closeCodeSent: 1001, undelivered: 2 }),
    );
    const [first, last] = spans.slice(1).map((span) => contentOf(span));
    expect(first!.attributes).not.to.have.any.keys('outrigger.cause', 'outrigger.websocket.initiator');
    expect(last!.attributes).to.include({
      'outrigger.cause': 'drain',
      'outrigger.websocket.initiator': 'sidecar',
      'outrigger.websocket.close_code.received': 1001,
      'outrigger.websocket.close_code.sent': 1001,
      'outrigger.websocket.undelivered': 2,
    });
    expect(last!.error).to.equal(false);
  });

  it('failed where the WebSocket did', () => {
    const { hooks, session, spans } = opened();
    hooks.onSessionEnd(session, ended({ cause: 'upstream-closed', initiator: 'upstream' }));
    const { attributes, error } = contentOf(spans[1]!);
    expect([attributes['error.type'], error]).to.deep.equal(['upstream-closed', true]);
  });

  it('are none where the handshake was not sampled', () => {
    const { clock, hooks, session, spans } = opened({ session: { headers: [] }, sampled: false });
    clock.advance(600_000);
    hooks.onPong(session, 'upstream', 1);
    hooks.onSessionEnd(session, ended());
    expect(spans).to.deep.equal([]);
  });
});

describe('spans of messages', () => {
  const message = (from: Message['from'], text: string): Message => ({ from, binary: false, data: Buffer.from(text) });

  it('are children of their segment', () => {
    const { clock, hooks, session, spans, watches } = opened({ messages: 1 });
    expect(watches).to.equal(true);
    clock.advance(1000);
    (hooks as MessageSpans).onMessage(session, message('downstream', 'hello'));
    (hooks as MessageSpans).onMessage(session, { ...message('upstream', 'hi'), binary: true });
    hooks.onSessionEnd(session, ended());
    const [, first, second, segment] = spans as [SpanRecord, SpanRecord, SpanRecord, SpanRecord];
    for (const span of [first, second]) {
      expect(span.parent).to.include({ traceId: segment.parent.traceId, spanId: segment.spanId, remote: false });
      expect([span.startedAt, span.endedAt]).to.deep.equal([1000, 1000]);
    }
    expect(contentOf(first)).to.deep.include({
      name: 'websocket message',
      attributes: {
        'network.io.direction': 'receive',
        'outrigger.websocket.message.type': 'text',
        'outrigger.websocket.message.size': 5,
      },
    });
    expect(contentOf(second).attributes).to.include({
      'network.io.direction': 'transmit',
      'outrigger.websocket.message.type': 'binary',
    });
  });

  it('are as many as the ratio says', () => {
    const { hooks, session, spans } = opened({ messages: 0.1 });
    for (let i = 0; i < 10_000; i++) (hooks as MessageSpans).onMessage(session, message('downstream', 'x'));
    // Binomial: five deviations to either side.
    expect(spans.length - 1).to.be.within(850, 1150);
  });

  it('leave alone WebSockets that are not sampled', () => {
    const { hooks, session, spans, watches } = opened({ messages: 1, sampled: false, session: { headers: [] } });
    expect(watches).to.equal(false);
    (hooks as MessageSpans).onMessage(session, message('downstream', 'x'));
    expect(spans).to.deep.equal([]);
  });

  it('take no WebSocket to the messages plane where none are asked for', () => {
    const { hooks } = opened();
    expect('onMessage' in hooks || 'watchesMessages' in hooks).to.equal(false);
  });
});
