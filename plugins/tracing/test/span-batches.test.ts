import { SpanKind } from '@opentelemetry/api';
import { expect } from 'chai';
import { OtlpRequests } from '../src/otlp-request.ts';
import { resourceOf } from '../src/resource.ts';
import { SpanRecord } from '../src/span.ts';
import { SpanBatches } from '../src/span-batches.ts';
import { readSpans } from '../src/span-reader.ts';
import { keyOf, type SpanWriter } from '../src/span-writer.ts';
import { fromProtobuf } from './otlp-collector.ts';

const KEY = keyOf('a.key');

class Told extends SpanRecord {
  readonly kind = SpanKind.CLIENT;
  readonly #tell: (out: SpanWriter) => void;

  constructor(tell: (out: SpanWriter) => void) {
    super({ traceId: 'ab'.repeat(16), spanId: undefined, remote: false, flags: 1, traceState: '' }, 1_700_000_000_000);
    this.#tell = tell;
  }

  protected describe(out: SpanWriter): void {
    this.#tell(out);
  }
}

const named = (name: string) => new Told((out) => out.name(name));

describe('spans in batches', () => {
  const VALUES: readonly [what: string, value: string | number | boolean][] = [
    ['an empty text', ''],
    ['a text of 127 bytes', 'x'.repeat(127)],
    ['a text of 128 bytes', 'x'.repeat(128)],
    ['a text of 20,000 bytes', 'x'.repeat(20_000)],
    ['a text beyond ASCII', 'Grüße, 世界 🌍'],
    ['zero', 0],
    ['a number of one byte', 127],
    ['a large number', Number.MAX_SAFE_INTEGER],
    ['a negative number', -3],
    ['a fraction', 0.1],
    ['a truth', true],
    ['a lie', false],
  ];
  for (const [what, value] of VALUES) {
    it(`carry ${what}`, () => {
      const batches = new SpanBatches(8, 8, 0);
      const span = new Told((out) => {
        out.name('before');
        if (typeof value === 'string') out.text(KEY, value);
        else if (typeof value === 'number') out.number(KEY, value);
        else out.flag(KEY, value);
        out.failed();
      });
      batches.add(span);
      batches.add(named('behind'));
      const batch = batches.take()!;
      const { spans } = fromProtobuf(Buffer.from(new OtlpRequests(resourceOf('chat')).protobuf(batch)));
      expect(spans.map(({ name }) => name)).to.deep.equal(['before', 'behind']);
      expect(spans[0]!.attributes).to.deep.equal({ 'a.key': value });
      expect(spans[0]!.status).to.equal(2);
      const [read] = readSpans(batch);
      expect(Object.values(read!.attributes[0]!.value)).to.deep.equal([
        Number.isInteger(value) && (value as number) >= 0 ? String(value) : value,
      ]);
    });
  }

  it('begin a new one where a span does not fit, and lose one that fits nowhere', () => {
    const batches = new SpanBatches(100, 100, 0);
    const long = (length: number) => new Told((out) => out.text(KEY, 'x'.repeat(length)));
    expect(batches.add(long(100_000))).to.equal(true);
    expect(batches.add(long(100_000))).to.equal(true);
    expect(batches.add(named('short'))).to.equal(true);
    expect(batches.add(long(1_000_000))).to.equal(false);
    expect(batches.size).to.equal(3);
    const [first, second] = [batches.take()!, batches.take()!];
    expect([first.count, second.count]).to.deep.equal([1, 2]);
    expect(readSpans(second)[1]!.name).to.equal('short');
  });

  it('use their buffers again, but not those that are kept to be read', () => {
    const batches = new SpanBatches(4, 2, 1);
    const turn = (name: string) => {
      batches.add(named(name));
      batches.add(named(name));
      const batch = batches.take()!;
      batches.done(batch);
      return batch.bytes;
    };
    const used = ['a', 'b', 'c', 'd', 'e'].map(turn);
    expect(new Set(used).size).to.equal(2);
    batches.add(named('f'));
    const read = [...batches].map((batch) => readSpans(batch).map(({ name }) => name));
    expect(read).to.deep.equal([['f'], ['e', 'e']]);
  });
});
