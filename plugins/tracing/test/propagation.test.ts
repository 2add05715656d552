import { expect } from 'chai';
import { W3cPropagation } from '../src/propagation.ts';
import { always, parentBased } from '../src/sampler.ts';
import { trustIn } from '../src/trust.ts';
import { sessionFor } from './stand-ins.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const sampled = `00-${TRACE}-${SPAN}-01`;
const unsampled = `00-${TRACE}-${SPAN}-00`;

const everything = parentBased(() => true);
const nothing = parentBased(() => false);
const trusts = trustIn('all');
const NEW_ROOT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/;

describe('a context that is continued', () => {
  const state = [
    ['tracestate', 'a=1'],
    ['tracestate', 'b=2'],
    ['baggage', 'user=7'],
  ] as const;

  it('passes untouched where it is not sampled', () => {
    const session = sessionFor({ headers: [['Traceparent', unsampled], ...state] });
    expect(new W3cPropagation({ sampler: everything, trusts }).begin(session)).to.equal(undefined);
    expect(session.request.headers.lines).to.deep.equal([['Traceparent', unsampled], ...state]);
  });

  it('is the parent of what is recorded where it is sampled, state and baggage untouched', () => {
    const session = sessionFor({ headers: [['traceparent', sampled], ...state] });
    expect(new W3cPropagation({ sampler: nothing, trusts }).begin(session)).to.deep.equal({
      traceId: TRACE,
      spanId: SPAN,
      remote: true,
      flags: 1,
      traceState: 'a=1,b=2',
    });
    expect(session.request.headers.lines.slice(1)).to.deep.equal(state);
  });

  it('keeps the random flag', () => {
    const session = sessionFor({ headers: [['traceparent', `00-${TRACE}-${SPAN}-03`]] });
    const parent = new W3cPropagation({ sampler: nothing, trusts }).begin(session);
    expect(parent?.flags).to.equal(3);
  });

  it('of a later version goes on as version 00', () => {
    const session = sessionFor({ headers: [['traceparent', `cc-${TRACE}-${SPAN}-02-and-more`]] });
    new W3cPropagation({ sampler: nothing, trusts }).begin(session);
    expect(session.request.headers.getAll('traceparent')).to.deep.equal([`00-${TRACE}-${SPAN}-02`]);
  });

  it('gets another span id where it is no longer sampled', () => {
    const session = sessionFor({ headers: [['traceparent', sampled]] });
    new W3cPropagation({ sampler: always(() => false), trusts }).begin(session);
    const traceparent = session.request.headers.get('traceparent');
    expect(traceparent).to.match(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(traceparent).not.to.contain(SPAN);
  });

  it('is recorded from here on where the sampler says so always', () => {
    const session = sessionFor({ headers: [['traceparent', unsampled]] });
    const parent = new W3cPropagation({ sampler: always(() => true), trusts }).begin(session);
    expect(parent).to.include({ traceId: TRACE, spanId: SPAN, flags: 1 });
  });
});

describe('a trace that begins here', () => {
  const table: readonly [what: string, headers: readonly (readonly [string, string])[]][] = [
    ['where none came', []],
    ['where one came that is not valid', [['traceparent', `ff-${TRACE}-${SPAN}-01`]]],
    [
      'where two came',
      [
        ['traceparent', sampled],
        ['Traceparent', sampled],
      ],
    ],
  ];
  for (const [what, headers] of table) {
    it(`has a traceparent of ours, no tracestate, and the client's baggage, ${what}`, () => {
      const session = sessionFor({ headers: [...headers, ['tracestate', 'a=1'], ['baggage', 'user=7']] });
      expect(new W3cPropagation({ sampler: nothing, trusts }).begin(session)).to.equal(undefined);
      expect(session.request.headers.get('traceparent')).to.match(NEW_ROOT);
      expect(session.request.headers.lines.map(([name]) => name)).to.deep.equal(['baggage', 'traceparent']);
    });
  }

  it('has no parent where it is recorded', () => {
    const parent = new W3cPropagation({ sampler: everything, trusts }).begin(sessionFor());
    expect(parent).to.include({ spanId: undefined, remote: false, flags: 1 });
  });

  it('differs from the next one', () => {
    const propagation = new W3cPropagation({ sampler: everything, trusts });
    const ids = new Set(Array.from({ length: 1000 }, () => propagation.begin(sessionFor())?.traceId));
    expect(ids.size).to.equal(1000);
  });
});

describe('trust', () => {
  const table: readonly [trust: 'all' | 'none' | 'peers', trustedPeers: string[], peer: string, continued: boolean][] =
    [
      ['all', [], '192.0.2.7', true],
      ['none', ['192.0.2.0/24'], '192.0.2.7', false],
      ['peers', ['192.0.2.0/24'], '192.0.2.7', true],
      ['peers', ['192.0.2.7'], '192.0.2.7', true],
      ['peers', ['10.0.0.0/8', '2001:db8::/32'], '192.0.2.7', false],
      ['peers', [], '10.0.0.1', false],
    ];
  for (const [trust, trustedPeers, peer, continued] of table) {
    it(`${trust}: ${continued ? 'continues' : 'restarts'} what ${peer} says, trusted being ${trustedPeers.join(', ') || 'nobody'}`, () => {
      const session = sessionFor({
        headers: [
          ['traceparent', unsampled],
          ['tracestate', 'a=1'],
          ['baggage', 'user=7'],
        ],
        trustedPeers,
        peer,
      });
      new W3cPropagation({ sampler: nothing, trusts: trustIn(trust) }).begin(session);
      const { headers } = session.request;
      expect(headers.get('traceparent') === unsampled).to.equal(continued);
      expect([headers.has('tracestate'), headers.has('baggage')]).to.deep.equal([continued, continued]);
    });
  }
});
