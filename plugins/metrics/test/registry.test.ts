import { expect } from 'chai';
import { expose } from '../src/exposition.ts';
import { Registry } from '../src/registry.ts';

const told = (registry: Registry) => expose(registry.collect());

describe('the registry', () => {
  it('exposes counters, gauges and histograms as Prometheus reads them, by name', () => {
    const registry = new Registry();
    const requests = registry.counter('requests_total', { doc: 'Requests.', labels: ['listener', 'code'] });
    requests.with('inbound', '200').add();
    requests.with('inbound', '200').add(2);
    requests.with('a "b"\\\n', '500').add();
    registry.gauge('open', { doc: 'Open,\nnow.' }).with().set(1.5);
    const seconds = registry.histogram('duration_seconds', { doc: 'Duration.', buckets: [0.1, 1] }).with();
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.record(value);
    expect(told(registry)).to.equal(`# HELP duration_seconds Duration.
# TYPE duration_seconds histogram
duration_seconds_bucket{le="0.1"} 2
duration_seconds_bucket{le="1"} 3
duration_seconds_bucket{le="+Inf"} 4
duration_seconds_sum 7.65
duration_seconds_count 4
# HELP open Open,\\nnow.
# TYPE open gauge
open 1.5
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{listener="inbound",code="200"} 3
requests_total{listener="a \\"b\\"\\\\\\n",code="500"} 1
`);
  });

  it('gives who declares an instrument again the same one', () => {
    const registry = new Registry();
    const declare = () => registry.counter('c_total', { doc: 'C.', labels: ['x'] }).with('1');
    declare().add();
    declare().add();
    expect(told(registry)).to.include('c_total{x="1"} 2\n');
  });

  it('refuses what is another instrument under the same name, and names that are none', () => {
    const registry = new Registry();
    registry.counter('c_total', { doc: 'C.', labels: ['x'] });
    expect(() => registry.gauge('c_total', { doc: 'C.', labels: ['x'] })).to.throw(
      'the metric c_total is a counter of {x} already; it cannot be a gauge of {x}: choose another name',
    );
    expect(() => registry.counter('c_total', { doc: 'C.' })).to.throw('it cannot be a counter of {}');
    expect(() => registry.counter('a-b', { doc: 'C.' })).to.throw('"a-b" is not the name of a metric');
    expect(() => registry.counter('a', { doc: 'C.', labels: ['x-y'] })).to.throw('"x-y" is not the name of a label');
    expect(() => registry.counter('b', { doc: 'C.', labels: ['x'] }).with()).to.throw('wants 1 label values, not 0');
  });

  it('keeps no more series than its bound, and loses no count', () => {
    const registry = new Registry();
    const counter = registry.counter('c_total', { doc: 'C.', labels: ['path'], maxSeries: 2 });
    for (let i = 0; i < 100; i++) counter.with(`/${i}`).add();
    const lines = told(registry)
      .split('\n')
      .filter((line) => line.startsWith('c_total'));
    expect(lines).to.deep.equal(['c_total{path="/0"} 1', 'c_total{path="/1"} 1', 'c_total{path="other"} 98']);
  });

  it('leaves out what is gone, counts on where it comes back, and lets it make room', () => {
    const registry = new Registry();
    const gone = new Set<string>();
    registry.leaveOut((labels) => (labels.includes('cluster') ? ([cluster]) => gone.has(cluster!) : undefined));
    const counter = registry.counter('c_total', { doc: 'C.', labels: ['cluster'], maxSeries: 2 });
    registry
      .counter('d_total', { doc: 'D.', labels: ['kind'] })
      .with('a')
      .add();
    const a = counter.with('a');
    a.add();
    gone.add('a');
    expect(told(registry)).to.include('d_total{kind="a"} 1\n');
    expect(told(registry)).to.not.include('c_total{');
    a.add();
    gone.delete('a');
    expect(told(registry)).to.include('c_total{cluster="a"} 2\n');
    counter.with('b').add();
    gone.add('a');
    told(registry);
    counter.with('c').add();
    expect(told(registry)).to.include('c_total{cluster="b"} 1\nc_total{cluster="c"} 1\n');
  });

  it('asks who sets gauges whenever it collects, until they are disposed of', () => {
    const registry = new Registry();
    const gauge = registry.gauge('g', { doc: 'G.' }).with();
    let asked = 0;
    const reading = registry.onCollect(() => gauge.set(++asked));
    expect(told(registry)).to.include('g 1\n');
    expect(told(registry)).to.include('g 2\n');
    reading[Symbol.dispose]();
    expect(told(registry)).to.include('g 2\n');
  });
});
