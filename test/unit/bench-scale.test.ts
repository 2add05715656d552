import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Route } from '@outrigger/core';
import { RouteTable } from '@outrigger/routing';
import { expect } from 'chai';
import { CURVES, connectionSizes, pairs } from '../bench/src/curves.ts';
import type { Result } from '../bench/src/measure.ts';
import { scaleChart } from '../bench/src/scale-chart.ts';
import { scaleOptions } from '../bench/src/scale-options.ts';
import { runToEnd } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';

const named = (name: string) => CURVES.find((curve) => curve.name === name)!;

describe('the options of bench:scale', () => {
  it('ask for every curve, and write the report', () => {
    expect(scaleOptions([])).to.deep.equal({
      quick: false,
      curves: CURVES,
      rounds: 40,
      seconds: 0.2,
      out: 'docs/benchmarks',
    });
  });

  it('write nothing in a quick run or of some curves, unless they are told where', () => {
    expect(scaleOptions(['--quick'])).to.include({ rounds: 8, seconds: 0.2, out: undefined });
    const { curves, out } = scaleOptions(['--curve', 'maglev', '--curve', 'listeners'])!;
    expect(curves.map(({ name }) => name)).to.deep.equal(['endpoints, maglev', 'listeners']);
    expect(out).to.equal(undefined);
    expect(scaleOptions(['--quick', '--out', 'x', '--rounds', '2'])).to.include({ rounds: 2, out: 'x' });
  });

  it('ask for help', () => {
    expect(scaleOptions(['-h'])).to.equal(undefined);
  });

  for (const [args, said] of [
    [['--curve', 'planets'], '--curve planets: no curve has that in its name'],
    [['--rounds', 'many'], '--rounds many: must be a number above 0'],
    [['--seconds', '0'], '--seconds 0: must be a number above 0'],
  ] as const)
    it(`refuse ${args.join(' ')}`, () => {
      expect(() => scaleOptions(args)).to.throw(said);
    });
});

describe('the sizes of connections', () => {
  for (const [limit, reserve, sizes] of [
    [65_536, 8_192, [10, 100, 1_000, 10_000, 20_000]],
    [20_000, 2_500, [10, 100, 1_000, 8_700]],
    [1_024, 128, [10, 100, 400]],
  ] as const)
    it(`end where ${limit} open files do`, () => {
      expect(connectionSizes({ limit, reserve })).to.deep.equal(sizes);
    });
});

describe('the curves of bench:scale', () => {
  const scratch = new Scratch();
  after(() => scratch.remove());

  const pairOf = (curve: string, size: number) =>
    pairs(named(curve), false).find(({ subject }) => subject.size === size)!;

  /** The file that the sidecar of one point is started with. */
  function written(curve: string, size: number): string {
    const { subject } = pairOf(curve, size);
    const ports = Array.from({ length: subject.listeners! }, (_, i) => 18_000 + i);
    subject.command({ port: ports[0]!, ports, upstreamPort: 3_000, collectorPort: 4_318, folder: scratch.folder });
    return join(scratch.folder, 'outrigger.yaml');
  }

  for (const [curve, size] of [
    ['routes, by host and path', 10],
    ['routes, by header', 10],
    ['routes, to clusters of their own', 10],
    ['endpoints, round-robin by weight', 10],
    ['endpoints, ring-hash', 10],
    ['listeners', 10],
  ] as const)
    it(`have a configuration that is good: ${curve}`, async () => {
      const { code, stderr } = await runToEnd(['check', '-c', written(curve, size)]);
      expect(code, stderr).to.equal(0);
    });

  for (const curve of ['routes, by host and path', 'routes, by header', 'routes, to clusters of their own'])
    it(`ask every route, each by a request that no other route takes: ${curve}`, () => {
      const { workload } = pairOf(curve, 1_000);
      const { listeners } = JSON.parse(readFileSync(written(curve, 1_000), 'utf8')) as {
        listeners: Record<string, { routes: { match: object }[] }>;
      };
      const { routes } = listeners['in-0']!;
      const table = RouteTable.create(
        routes.map(({ match }, i) => ({
          spec: { cluster: 'app', settings: { match } },
          route: { name: `r${i}`, settings: { match } } as unknown as Route,
        })),
      );
      const taken = workload.requests!.map((request) => {
        const [host, path, field] = request.split(' ');
        const headers = new Map(field === undefined ? [] : [field.split(':') as [string, string]]);
        return table.route({ request: { host, path, method: 'GET', headers } } as never);
      });
      expect(taken.map((route) => (route as Route).name)).to.deep.equal(routes.map((_, i) => `r${i}`));
    });

  it('have as many endpoints as their size says, each of them another', () => {
    const { clusters } = JSON.parse(readFileSync(written('endpoints, maglev', 10_000), 'utf8')) as {
      clusters: { app: { endpoints: { address: string }[] } };
    };
    const addresses = clusters.app.endpoints.map(({ address }) => address);
    expect(new Set(addresses).size).to.equal(10_000);
    expect(addresses.filter((address) => !/^127\.1\.\d{1,2}\.\d{1,3}:3000$/.test(address))).to.deep.equal([]);
  });

  it('leave sizes in between out of a quick run, never the first or the last', () => {
    for (const curve of CURVES) {
      const sizes = pairs(curve, true).map(({ subject }) => subject.size);
      expect([sizes[0], sizes.at(-1)], curve.name).to.deep.equal([curve.sizes[0], curve.sizes.at(-1)]);
    }
  });
});

describe('the chart of bench:scale', () => {
  const same = (value: number) => ({ median: value, low: value, high: value });
  const result = (workload: string, size: number, ratio: number): Result => ({
    subject: String(size),
    size,
    workload,
    unit: 'request',
    cost: same(20 * ratio),
    ratio: same(ratio),
    perSecond: same(1),
    p50: same(1),
    p50Beyond: undefined,
    p99: same(1),
    failures: 0,
  });
  const drawn = scaleChart({
    at: '2026-01-01T00:00:00.000Z',
    machine: 'a machine',
    versions: { node: '24' },
    reference: 'the first',
    rounds: 1,
    seconds: 1,
    missing: ['Some do not fit.'],
    results: [
      ...[1, 10, 100].map((size) => result('routes', size, 1 + Math.log10(size) / 2)),
      ...[1, 100].map((size) => result('endpoints, first & last', size, 1)),
    ],
  });
  const points = [...drawn.matchAll(/<circle class="d0" cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);

  it('has a panel for each thing, a line for each curve, a point for each size', () => {
    expect(drawn.match(/class="group"/g)).to.have.length(2);
    expect(drawn.match(/class="line s0" stroke-dasharray="none" d="M[\d.]+ [\d.]+L/g)).to.have.length(2);
    expect(points).to.have.length(5);
    expect(drawn).to.include('first &amp; last: 1.00 at 100').and.include('Some do not fit.');
  });

  it('draws tenfold as one step to the right, and what is logarithmic as a straight line', () => {
    const [one, ten, hundred] = points as [number[], number[], number[]];
    expect(ten[0]! - one[0]!).to.be.closeTo(hundred[0]! - ten[0]!, 0.11);
    expect(one[1]! - ten[1]!)
      .to.be.closeTo(ten[1]! - hundred[1]!, 0.11)
      .and.above(0);
  });
});
