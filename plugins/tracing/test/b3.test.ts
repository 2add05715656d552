import { Overlay } from '@outrigger/core';
import { expect } from 'chai';
import { DEBUG, readB3 } from '../src/b3.ts';
import { type ContextFormat, MixedPropagation } from '../src/mixed-propagation.ts';
import { always, parentBased } from '../src/sampler.ts';
import { trustIn } from '../src/trust.ts';
import { sessionFor, TestHeaders } from './stand-ins.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SHORT = 'a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = '1122334455667788';

type Lines = readonly (readonly [string, string])[];
const multi = (more: Lines = []): Lines => [['X-B3-TraceId', TRACE], ['X-B3-SpanId', SPAN], ...more];

describe('B3 headers', () => {
  const table: readonly [what: string, headers: Lines, expected: ReturnType<typeof readB3>][] = [
    ['one, sampled', [['b3', `${TRACE}-${SPAN}-1`]], { traceId: TRACE, spanId: SPAN, flags: 1 }],
    ['one, not sampled', [['b3', `${TRACE}-${SPAN}-0`]], { traceId: TRACE, spanId: SPAN, flags: 0 }],
    ['one, debug', [['b3', `${TRACE}-${SPAN}-d`]], { traceId: TRACE, spanId: SPAN, flags: 1 | DEBUG }],
    ['one, undecided', [['b3', `${TRACE}-${SPAN}`]], { traceId: TRACE, spanId: SPAN, flags: undefined }],
    ['one with a parent', [['b3', `${TRACE}-${SPAN}-1-${PARENT}`]], { traceId: TRACE, spanId: SPAN, flags: 1 }],
    [
      'one of 64 bits',
      [['b3', `${SHORT}-${SPAN}-1`]],
      { traceId: `${'0'.repeat(16)}${SHORT}`, spanId: SPAN, flags: 1 },
    ],
    ['one in upper case', [['b3', `${TRACE.toUpperCase()}-${SPAN}-1`]], { traceId: TRACE, spanId: SPAN, flags: 1 }],
    ['one that says no alone', [['b3', '0']], { traceId: undefined, spanId: undefined, flags: 0 }],
    ['one that says yes alone', [['b3', '1']], { traceId: undefined, spanId: undefined, flags: 1 }],
    ['several, sampled', multi([['X-B3-Sampled', '1']]), { traceId: TRACE, spanId: SPAN, flags: 1 }],
    ['several, not sampled', multi([['X-B3-Sampled', '0']]), { traceId: TRACE, spanId: SPAN, flags: 0 }],
    [
      'several, as early tracers sent them',
      multi([['X-B3-Sampled', 'true']]),
      { traceId: TRACE, spanId: SPAN, flags: 1 },
    ],
    ['several, debug', multi([['X-B3-Flags', '1']]), { traceId: TRACE, spanId: SPAN, flags: 1 | DEBUG }],
    ['several, undecided', multi(), { traceId: TRACE, spanId: SPAN, flags: undefined }],
    ['a decision alone', [['X-B3-Sampled', '0']], { traceId: undefined, spanId: undefined, flags: 0 }],
    [
      'one before several',
      [['b3', `${TRACE}-${SPAN}-0`], ...multi([['X-B3-Sampled', '1']])],
      { traceId: TRACE, spanId: SPAN, flags: 0 },
    ],
    [
      'several where one is not valid',
      [['b3', 'constructor'], ...multi([['X-B3-Sampled', '1']])],
      { traceId: TRACE, spanId: SPAN, flags: 1 },
    ],
    ['none', [], undefined],
    ['ids of zeros', [['b3', `${'0'.repeat(32)}-${SPAN}-1`]], undefined],
    ['a span id of zeros', [['b3', `${TRACE}-${'0'.repeat(16)}-1`]], undefined],
    ['a state that is not known', [['b3', `${TRACE}-${SPAN}-2`]], undefined],
    ['a decision that is not known', [['X-B3-Sampled', 'constructor']], undefined],
    ['a trace id without a span id', [['X-B3-TraceId', TRACE]], undefined],
  ];
  for (const [what, headers, expected] of table) {
    it(`read: ${what}`, () => {
      expect(readB3(new TestHeaders(headers))).to.deep.equal(expected);
    });
  }
});

describe('trace context in several formats', () => {
  const begin = (
    formats: readonly ContextFormat[],
    headers: Lines,
    { sampler = parentBased(() => false), trust = 'all' as 'all' | 'none' } = {},
  ) => {
    const session = sessionFor({ headers });
    const propagation = new MixedPropagation({ sampler, trusts: trustIn(trust) }, formats);
    const parent = propagation.begin(session);
    return { parent, propagation, lines: session.request.headers.lines, headers: session.request.headers };
  };
  const sent = (propagation: MixedPropagation, flags: number): Record<string, string> => {
    const overlay = new Overlay();
    propagation.inject(overlay, TRACE, SPAN, flags);
    return Object.fromEntries(overlay.names.map((name, i) => [name.toLowerCase(), overlay.values[i]!]));
  };

  it('passes on b3: 0 as it came', () => {
    const { parent, lines } = begin(['b3'], [['b3', `${TRACE}-${SPAN}-0`]], { sampler: parentBased(() => true) });
    expect(parent).to.equal(undefined);
    expect(lines).to.deep.equal([['b3', `${TRACE}-${SPAN}-0`]]);
  });

  it('does not sample where a decision alone says so', () => {
    const { parent, headers } = begin(['b3'], [['b3', '0']], { sampler: parentBased(() => true) });
    expect(parent).to.equal(undefined);
    expect(headers.get('b3')).to.match(/^[0-9a-f]{32}-[0-9a-f]{16}-0$/);
  });

  it('passes on several headers, without the parent, which is none of the next one', () => {
    const { lines } = begin(
      ['b3multi'],
      multi([
        ['X-B3-ParentSpanId', PARENT],
        ['X-B3-Sampled', '0'],
      ]),
    );
    expect(lines).to.deep.equal([
      ['x-b3-traceid', TRACE],
      ['x-b3-spanid', SPAN],
      ['x-b3-sampled', '0'],
    ]);
  });

  it('continues what is sampled, and writes every format', () => {
    const { parent, propagation, headers } = begin(['tracecontext', 'b3', 'b3multi'], [['b3', `${TRACE}-${SPAN}-1`]]);
    expect(parent).to.deep.equal({ traceId: TRACE, spanId: SPAN, remote: true, flags: 1, traceState: '' });
    expect(headers.has('b3')).to.equal(false);
    expect(sent(propagation, parent!.flags)).to.deep.equal({
      traceparent: `00-${TRACE}-${SPAN}-01`,
      b3: `${TRACE}-${SPAN}-1`,
      'x-b3-traceid': TRACE,
      'x-b3-spanid': SPAN,
      'x-b3-sampled': '1',
    });
  });

  it('keeps the debug flag, in B3 alone', () => {
    const { parent, propagation } = begin(['tracecontext', 'b3', 'b3multi'], [['b3', `${TRACE}-${SPAN}-d`]]);
    expect(sent(propagation, parent!.flags)).to.deep.equal({
      traceparent: `00-${TRACE}-${SPAN}-01`,
      b3: `${TRACE}-${SPAN}-d`,
      'x-b3-traceid': TRACE,
      'x-b3-spanid': SPAN,
      'x-b3-flags': '1',
    });
  });

  it('decides where the caller has not', () => {
    const undecided: Lines = [['b3', `${TRACE}-${SPAN}`]];
    expect(begin(['b3'], undecided, { sampler: parentBased(() => true) }).parent).to.include({
      traceId: TRACE,
      flags: 1,
    });
    expect(begin(['b3'], undecided).headers.get('b3')).to.match(new RegExp(`^${TRACE}-[0-9a-f]{16}-0$`));
  });

  it('changes the span id with the sampled flag', () => {
    const { headers } = begin(['b3'], [['b3', `${TRACE}-${SPAN}-1`]], { sampler: always(() => false) });
    expect(headers.get('b3')).to.match(new RegExp(`^${TRACE}-(?!${SPAN})[0-9a-f]{16}-0$`));
  });

  it('takes the last format that is valid, and keeps tracestate where that is W3C', () => {
    const both: Lines = [
      ['traceparent', `00-${TRACE}-${PARENT}-01`],
      ['tracestate', 'a=1'],
      ['b3', `${SHORT}-${SPAN}-1`],
    ];
    const b3 = begin(['tracecontext', 'b3'], both);
    expect(b3.parent).to.include({ spanId: SPAN, traceState: '' });
    expect(b3.headers.has('tracestate')).to.equal(false);
    const w3c = begin(['b3', 'tracecontext'], both);
    expect(w3c.parent).to.include({ spanId: PARENT, traceState: 'a=1' });
    expect(w3c.headers.get('tracestate')).to.equal('a=1');
  });

  it('does not lose a trace to a decision alone', () => {
    const { parent } = begin(
      ['tracecontext', 'b3'],
      [
        ['traceparent', `00-${TRACE}-${SPAN}-01`],
        ['b3', '0'],
      ],
    );
    expect(parent).to.include({ traceId: TRACE, spanId: SPAN });
  });

  it('leaves formats alone that it was not told of, and baggage', () => {
    const lines: Lines = [
      ['traceparent', 'whatever'],
      ['baggage', 'user=7'],
    ];
    expect(begin(['b3'], lines).lines.slice(0, 2)).to.deep.equal(lines);
  });

  it('restarts what strangers say', () => {
    const { headers } = begin(
      ['b3'],
      [['b3', `${TRACE}-${SPAN}-1`], ...multi(), ['traceparent', `00-${TRACE}-${SPAN}-01`], ['baggage', 'user=7']],
      { trust: 'none' },
    );
    expect(headers.lines.map(([name]) => name)).to.deep.equal(['b3']);
    expect(headers.get('b3')).not.to.contain(TRACE);
  });
});
