import { expect } from 'chai';
import { hashOf, parseHash } from '../page/data/address.ts';
import { valuesOf } from '../page/data/config-values.ts';
import { curve } from '../page/data/curve.ts';
import { EventReader } from '../page/data/event-reader.ts';
import { bytes, count, duration, latency, number, percent, rate } from '../page/data/format.ts';
import { formatOrder, parseOrder, sorted } from '../page/data/order.ts';
import { waterfall } from '../page/data/spans.ts';
import { verdictOn } from '../page/data/words.ts';

describe('figures on the page', () => {
  const cases: readonly (readonly [name: string, shown: string, expected: string])[] = [
    ['a whole number', number(12_400), '12,400'],
    ['a small number', number(0.0412), '0.04'],
    ['a number', number(12.44), '12.4'],
    ['a large number', number(124.4), '124'],
    ['no number', number(null), '–'],
    ['a rate', rate(12.4), '12.4/s'],
    ['no traffic', rate(0), '0/s'],
    ['no rate', rate(undefined), '–'],
    ['all', percent(1), '100%'],
    ['none', percent(0), '0%'],
    ['not quite all', percent(0.99999), '>99.99%'],
    ['three nines', percent(0.9991), '99.91%'],
    ['what would be rounded up', percent(0.98999), '98.9%'],
    ['microseconds', latency(0.00084), '840 µs'],
    ['milliseconds', latency(0.0012), '1.2 ms'],
    ['seconds', latency(2.5), '2.5 s'],
    ['minutes', latency(300), '5 min'],
    ['nothing', latency(0), '0 ms'],
    ['less than a second', duration(0.4), '0 s'],
    ['a minute', duration(200), '3 min 20 s'],
    ['a full hour', duration(3_600), '1 h'],
    ['days', duration(4 * 86_400 + 3 * 3_600 + 59), '4 d 3 h'],
    ['a few bytes', bytes(512), '512 B'],
    ['many bytes', bytes(1_536), '1.5 KiB'],
    ['very many bytes', bytes(20 << 20), '20 MiB'],
    ['one', count(1, 'session'), '1 session'],
    ['several', count(2, 'session'), '2 sessions'],
  ];
  for (const [name, shown, expected] of cases) it(`${name}: ${expected}`, () => expect(shown).to.equal(expected));

  it('draw a curve that is broken where there is none', () => {
    expect(curve([0, 2, null, 1], 30, 10)).to.equal('M0 10L10 0M30 5');
    expect(curve([0, 0], 10, 10)).to.equal('M0 10L10 10');
    expect(curve([], 10, 10)).to.equal('');
  });
});

describe('the address of a view', () => {
  it('is read as it is written', () => {
    const hash = hashOf('sessions', 'a/b c', { kind: 'websocket', text: '' });
    expect(hash).to.equal('#/sessions/a%2Fb%20c?kind=websocket');
    const { view, id, query } = parseHash(hash);
    expect([view, id, query.get('kind')]).to.deep.equal(['sessions', 'a/b c', 'websocket']);
  });

  it('is the overview where there is none, and survives what is no encoding', () => {
    expect(parseHash('')).to.deep.include({ view: '', id: undefined });
    expect(parseHash('#/sessions/%zz').id).to.equal('%zz');
  });
});

describe('the order of a table', () => {
  it('puts what has no value last, either way', () => {
    const rows = [{ n: 2 }, { n: undefined }, { n: 1 }];
    expect(sorted(rows, ({ n }) => n, false).map(({ n }) => n)).to.deep.equal([1, 2, undefined]);
    expect(sorted(rows, ({ n }) => n, true).map(({ n }) => n)).to.deep.equal([2, 1, undefined]);
  });

  it('is written with a minus where it descends', () => {
    expect(formatOrder(parseOrder(null, '-age'))).to.equal('-age');
    expect(parseOrder('idle', '-age')).to.deep.equal({ key: 'idle', descending: false });
  });
});

describe('the health of an endpoint, in words', () => {
  const endpoint = { address: 'a:1', weight: 1, requests: 0, streams: 0 };
  const words = (health: object, leaving = false, panic = false) =>
    verdictOn({ ...endpoint, health: health as never }, leaving, panic);

  it('tells why it was ejected, and until when', () => {
    const { tone, word, why } = words({ state: 'out', why: 'ejected: gateway', until: '2026-11-24T17:00:00Z' });
    expect([tone, word]).to.deep.equal(['bad', 'out']);
    expect(why).to.match(
      /^ejected: failed or answered 502, 503 or 504, several times in a row; back at \d\d:\d\d:\d\d$/,
    );
  });

  it('tells what a check says', () => {
    expect(words({ state: 'out', why: 'check: connect ECONNREFUSED: a' }).why).to.equal(
      'checks fail: connect ECONNREFUSED: a',
    );
    expect(words({ state: 'in', check: 'status 500' }).why).to.equal('the last check failed: status 500');
    expect(words({ state: 'in', check: 'passed' })).to.deep.equal({ tone: 'good', word: 'in', why: '' });
  });

  it('tells of panic, of a slow start, and of those who leave', () => {
    expect(words({ state: 'out', why: '' }, false, true).word).to.equal('out, but used');
    expect(words({ state: 'slow-start' }).word).to.equal('slow start');
    expect(words({ state: 'in' }, true).word).to.equal('leaving');
    expect(verdictOn(endpoint, false, false).word).to.equal('not checked');
  });
});

describe('a waterfall', () => {
  const span = (spanId: string, parentSpanId: string | undefined, offsetMs: number, durationMs: number) =>
    ({ spanId, parentSpanId, offsetMs, durationMs }) as never;

  it('has children below their parents, and what came from elsewhere at the top', () => {
    const spans = [
      span('a', 'elsewhere', 0, 10),
      span('b', 'a', 2, 3),
      span('d', 'elsewhere', 3, 1),
      span('c', 'a', 6, 4),
    ];
    const bars = waterfall({ spans, durationMs: 10 } as never);
    expect(bars.map((bar) => [bar.span.spanId, bar.depth, bar.from, bar.to])).to.deep.equal([
      ['a', 0, 0, 1],
      ['b', 1, 0.2, 0.5],
      ['c', 1, 0.6, 1],
      ['d', 0, 0.3, 0.4],
    ]);
  });
});

describe('the values of a configuration', () => {
  it('are its leaves, each with its path', () => {
    expect(valuesOf({ a: { b: 1 }, c: [{ d: 'x' }], e: [] })).to.deep.equal([
      { path: 'a.b', value: 1 },
      { path: 'c[0].d', value: 'x' },
      { path: 'e', value: [] },
    ]);
  });
});

describe('the reader of events', () => {
  it('puts together what came in pieces, and leaves comments out', () => {
    const events: string[][] = [];
    const reader = new EventReader((...event) => events.push(event));
    for (const piece of ['event: /a\nda', 'ta: {"n":1}\n', '\n:\n\ndata: 1\r\ndata:2\r\n\r\n']) reader.read(piece);
    expect(events).to.deep.equal([
      ['/a', '{"n":1}'],
      ['message', '1\n2'],
    ]);
  });
});
