import { expect } from 'chai';
import { flagsOf, formatTraceparent, isTraceparent, spanIdOf, traceIdOf } from '../src/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traceparent', () => {
  const table: readonly [what: string, value: string, valid: boolean][] = [
    ['version 00, sampled', `00-${TRACE}-${SPAN}-01`, true],
    ['version 00, not sampled', `00-${TRACE}-${SPAN}-00`, true],
    ['flags that are not defined', `00-${TRACE}-${SPAN}-ff`, true],
    ['a later version in the same form', `01-${TRACE}-${SPAN}-01`, true],
    ['a later version that says more', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
    ['a later version that ends in a hyphen', `01-${TRACE}-${SPAN}-01-`, true],
    ['a later version that says more without a hyphen', `cc-${TRACE}-${SPAN}-01.what`, false],
    ['version ff', `ff-${TRACE}-${SPAN}-01`, false],
    ['version 00 that says more', `00-${TRACE}-${SPAN}-01-more`, false],
    ['version 00 that ends in a hyphen', `00-${TRACE}-${SPAN}-01-`, false],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, false],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
    ['an upper-case trace id', `00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
    ['an upper-case span id', `00-${TRACE}-${SPAN.toUpperCase()}-01`, false],
    ['an upper-case version', `CC-${TRACE}-${SPAN}-01`, false],
    ['upper-case flags', `00-${TRACE}-${SPAN}-0A`, false],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`, false],
    ['a long trace id', `00-${TRACE}0-${SPAN}-01`, false],
    ['a short span id', `00-${TRACE}-${SPAN.slice(1)}-01`, false],
    ['flags of one digit', `00-${TRACE}-${SPAN}-1`, false],
    ['a version of one digit', `0-${TRACE}-${SPAN}-01`, false],
    ['other separators', `00_${TRACE}_${SPAN}_01`, false],
    ['no hexadecimal digits', `00-${TRACE.replace('4', 'g')}-${SPAN}-01`, false],
    ['a blank at its end', `00-${TRACE}-${SPAN}-01 `, false],
    ['two in one line', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`, false],
    ['nothing', '', false],
  ];
  for (const [what, value, valid] of table) {
    it(`${valid ? 'takes' : 'ignores'} ${what}`, () => {
      expect(isTraceparent(value)).to.equal(valid);
    });
  }

  it('gives its parts', () => {
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    expect([traceIdOf(traceparent), spanIdOf(traceparent)]).to.deep.equal([TRACE, SPAN]);
    expect(formatTraceparent(TRACE, SPAN, 1)).to.equal(traceparent);
  });

  for (const [digits, flags] of Object.entries({ '00': 0, '01': 1, '02': 2, '03': 3, fe: 2, ff: 3, '0b': 3, f8: 0 })) {
    it(`reads the flags ${digits} as ${flags}`, () => {
      expect(flagsOf(`00-${TRACE}-${SPAN}-${digits}`)).to.equal(flags);
    });
  }
});
