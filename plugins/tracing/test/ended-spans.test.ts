import { setImmediate as turnsEnd } from 'node:timers/promises';
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
  const spans = new EndedSpans((span) => {
    const { name } = span as NamedSpan;
    if (name === fails) throw new Error(`no ${name}`);
    written.push(name);
  }, logger);
  const add = (...names: readonly string[]) => {
    for (const name of names) spans.add(new NamedSpan(name));
  };
  return { spans, add, written, logger };
}

describe('spans that have ended', () => {
  it('are written at the end of the turn, in their order', async () => {
    const { add, written } = ended();
    add('a', 'b');
    expect(written).to.deep.equal([]);
    await turnsEnd();
    expect(written).to.deep.equal(['a', 'b']);
    add('c');
    await turnsEnd();
    expect(written).to.deep.equal(['a', 'b', 'c']);
  });

  it('are written at once where somebody wants to read them, and once', async () => {
    const { spans, add, written } = ended();
    add('a');
    spans.write();
    expect(written).to.deep.equal(['a']);
    add('b');
    await turnsEnd();
    expect(written).to.deep.equal(['a', 'b']);
  });

  it('are told in the log where they cannot be written, and cost no other span', async () => {
    const { add, written, logger } = ended('b');
    add('a', 'b', 'c');
    await turnsEnd();
    expect(written).to.deep.equal(['a', 'c']);
    expect(logger.lines.map(([line, fields]) => [line, String(fields?.error).split('\n')[0]])).to.deep.equal([
      ['error a span could not be written', 'Error: no b'],
    ]);
  });
});
