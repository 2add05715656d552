import { expect } from 'chai';
import { readSpans } from '../src/span-reader.ts';
import { SpanStore } from '../src/span-store.ts';
import { TestSpan } from './stand-ins.ts';

const names = (store: SpanStore) =>
  [...store].flatMap((batch) =>
    readSpans(batch)
      .map(({ name }) => name)
      .reverse(),
  );

describe('the store of spans', () => {
  it('has the newest ones first', () => {
    const store = new SpanStore();
    for (const name of ['a', 'b', 'c']) store.add(new TestSpan(name));
    expect(names(store)).to.deep.equal(['c', 'b', 'a']);
  });

  it('loses the oldest ones, and has never more than 1 MiB', () => {
    const store = new SpanStore();
    for (let i = 0; i < 20_000; i++) store.add(new TestSpan(`s${i}`));
    const kept = names(store);
    expect(kept.length).to.be.within(3000, 19_999);
    expect(kept).to.deep.equal(Array.from(kept, (_, i) => `s${19_999 - i}`));
    expect(new Set([...store].map(({ bytes }) => bytes)).size).to.equal(4);
    expect([...store].reduce((sum, { bytes }) => sum + bytes.length, 0)).to.equal(1024 * 1024);
  });

  it('takes no memory before there is a span', () => {
    expect([...new SpanStore()]).to.deep.equal([]);
  });

  it('refuses what fits nowhere, and keeps the rest', () => {
    const store = new SpanStore();
    store.add(new TestSpan('a'));
    for (let i = 0; i < 10; i++) expect(store.add(new TestSpan('x'.repeat(300_000)))).to.equal(false);
    store.add(new TestSpan('b'));
    expect(names(store)).to.deep.equal(['b', 'a']);
  });

  it('tells where the last one stands', () => {
    const store = new SpanStore();
    store.add(new TestSpan('a'));
    store.add(new TestSpan('b'));
    const { bytes, from, to } = store;
    const [span] = readSpans({ bytes: bytes.subarray(from, to), length: to - from, count: 1 });
    expect(span!.name).to.equal('b');
  });
});
