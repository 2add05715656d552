import { setImmediate as turnsEnd } from 'node:timers/promises';
import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { EndedSpans } from '../src/ended-spans.ts';
import { SpanKind, SpanRecord } from '../src/span.ts';
import { recordingLogger } from './stand-ins.ts';

class NamedSpan extends SpanRecord {
  readonly kind = SpanKind.INTERNAL;
  readonly name: string;

  constructor(name: string) {
    super({ traceId: '0'.repeat(32), spanId: undefined, remote: false, flags: 1, traceState: '' }, 0);
    this.name = name;
  }

  protected describe(): void {}
}

function ended(fails = '') {
  const written: string[] = [];
  const logger = recordingLogger();
  const clock = new VirtualClock();
  const spans = new EndedSpans(
    (span) => {
      const { name } = span as NamedSpan;
      if (name === fails) throw new Error(`no ${name}`);
      written.push(name);
    },
    clock,
    logger,
  );
  const add = (...names: readonly string[]) => {
    for (const name of names) spans.add(new NamedSpan(name));
  };
  return { spans, add, written, clock, logger };
}

/** As many as are written together. */
const MANY = Array.from({ length: 16 }, (_, i) => `span ${i}`);

describe('spans that have ended', () => {
  it('are written at the end of the turn in which they are many, in their order', async () => {
    const { add, written } = ended();
    add(...MANY, 'one more');
    expect(written).to.deep.equal([]);
    await turnsEnd();
    expect(written).to.deep.equal([...MANY, 'one more']);
    add(...MANY);
    await turnsEnd();
    expect(written).to.deep.equal([...MANY, 'one more', ...MANY]);
  });

  it('are written a tenth of a second later where they are few, and their time begins with the first', async () => {
    const { add, written, clock } = ended();
    const pass = async (ms: number) => {
      clock.advance(ms);
      await turnsEnd();
    };
    add('a');
    await pass(90);
    add('b');
    expect(written).to.deep.equal([]);
    await pass(10);
    expect(written).to.deep.equal(['a', 'b']);
    await pass(1_000);
    add('c');
    await pass(99);
    expect(written).to.deep.equal(['a', 'b']);
    await pass(1);
    expect(written).to.deep.equal(['a', 'b', 'c']);
  });

  it('are written at the end of the turn in which their time has come, not before what else it has to do', async () => {
    const { add, written, clock } = ended();
    add('a');
    clock.advance(100);
    expect(written).to.deep.equal([]);
    await turnsEnd();
    expect(written).to.deep.equal(['a']);
  });

  it('are written at once where somebody wants to read them, and once', async () => {
    const { spans, add, written, clock } = ended();
    add('a');
    spans.write();
    expect(written).to.deep.equal(['a']);
    add(...MANY);
    spans.write();
    await turnsEnd();
    clock.advance(1_000);
    expect(written).to.deep.equal(['a', ...MANY]);
  });

  it('are told in the log where they cannot be written, and cost no other span', () => {
    const { spans, add, written, logger } = ended('b');
    add('a', 'b', 'c');
    spans.write();
    expect(written).to.deep.equal(['a', 'c']);
    expect(logger.lines.map(([line, fields]) => [line, String(fields?.error).split('\n')[0]])).to.deep.equal([
      ['error a span could not be written', 'Error: no b'],
    ]);
  });
});
