import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { EventStream } from '../src/event-stream.ts';

const COMMENT = ': keepalive\n\n';

function begin() {
  const clock = new VirtualClock();
  const state = { out: '', ended: '', cut: '' };
  const stream = new EventStream(clock, {
    write: (b, from, to) => {
      state.out += b.toString('latin1', from, to);
    },
    end: (cause) => {
      state.ended = cause;
    },
    cut: (cause) => {
      state.cut = cause;
    },
  });
  const write = (text: string) => {
    const bytes = Buffer.from(`<${text}>`, 'latin1');
    stream.write(bytes, 1, bytes.length - 1);
  };
  return { clock, state, stream, write };
}

describe('an event stream', () => {
  for (const [text, between] of [
    ['', true],
    ['data: a\n\n', true],
    ['data: a\r\n\r\n', true],
    ['data: a\r\r', true],
    ['data: a\n\r\n', true],
    ['data: a\r\n\n', true],
    [': comment\n\n', true],
    ['data: a\n\ndata: b\n\n\n', true],
    ['data: a', false],
    ['data: a\n', false],
    ['data: a\r\n', false],
    ['data: a\r', false],
    ['data: a\n\ndata', false],
  ] as const) {
    it(`stands ${between ? '' : 'not '}between two events after ${JSON.stringify(text)}, in however many pieces`, () => {
      for (let size = 1; size <= Math.max(1, text.length); size++) {
        const { stream, state, write } = begin();
        for (let i = 0; i < text.length; i += size) write(text.slice(i, i + size));
        expect(stream.comment()).to.equal(between);
        expect(state.out).to.equal(between ? text + COMMENT : text);
      }
    });

    it(`ends ${between ? 'at once' : 'behind its event'} after ${JSON.stringify(text)}`, () => {
      const { stream, state, write } = begin();
      if (text !== '') write(text);
      stream.close('drain');
      expect(state.ended).to.equal(between ? 'drain' : '');
      if (between) return;
      write('x\n');
      expect(stream.comment()).to.equal(false);
      write('\nnot this');
      write('nor what comes in another piece\n\n');
      expect(stream.comment()).to.equal(false);
      expect(state).to.deep.equal({ out: `${text}x\n\n`, ended: 'drain', cut: '' });
    });
  }

  it('is cut where its event does not end within 5 s, and at once where it has expired', () => {
    const one = begin();
    one.write('data: half');
    one.stream.close('max-age');
    one.clock.advance(4_900);
    expect(one.state.cut).to.equal('');
    one.clock.advance(200);
    expect(one.state.cut).to.equal('max-age');
    const other = begin();
    other.write('data: half');
    other.stream.close('expired');
    expect(other.state.cut).to.equal('expired');
  });

  it('knows when the last byte went down', () => {
    const { clock, stream, write } = begin();
    clock.advance(300);
    write('data');
    expect(stream.lastByteAt).to.equal(300);
  });
});
