import { expect } from 'chai';
import { fromProtobuf } from '../../../test/support/otlp-collector.ts';
import { OtlpRequests } from '../src/otlp-request.ts';
import { resourceOf } from '../src/resource.ts';
import { SpanKind, SpanRecord } from '../src/span.ts';
import { SpanBatches } from '../src/span-batches.ts';
import { readSpans } from '../src/span-reader.ts';
import { SpanStore } from '../src/span-store.ts';
import { keyOf, type SpanWriter } from '../src/span-writer.ts';

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

/** Batches, and what ends in them. */
function batchesOf(queueSize: number, batchSize: number) {
  const store = new SpanStore();
  const batches = new SpanBatches(queueSize, batchSize);
  return { batches, add: (span: SpanRecord) => store.add(span) && batches.add(store) };
}

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
      const { batches, add } = batchesOf(8, 8);
      const span = new Told((out) => {
        out.name('before');
        if (typeof value === 'string') out.text(KEY, value);
        else if (typeof value === 'number') out.number(KEY, value);
        else out.flag(KEY, value);
        out.failed();
      });
      add(span);
      add(named('behind'));
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

  it('begin a new one where a span does not fit', () => {
    const { batches, add } = batchesOf(100, 100);
    const long = () => new Told((out) => out.text(KEY, 'x'.repeat(200_000)));
    expect([add(long()), add(long()), add(named('short'))]).to.deep.equal([true, true, true]);
    expect(batches.size).to.equal(3);
    const [first, second] = [batches.take()!, batches.take()!];
    expect([first.count, second.count]).to.deep.equal([1, 2]);
    expect(readSpans(second)[1]!.name).to.equal('short');
  });

  it('use their buffers again', () => {
    const { batches, add } = batchesOf(4, 2);
    const used = ['a', 'b', 'c', 'd'].map((name) => {
      add(named(name));
      add(named(name));
      const batch = batches.take()!;
      expect(readSpans(batch).map((span) => span.name)).to.deep.equal([name, name]);
      batches.done(batch);
      return batch.bytes;
    });
    expect(new Set(used).size).to.equal(1);
  });
});
