import type { EndpointSpec } from '@outrigger/core';
import { expect } from 'chai';
import { DnsResponder, type Said } from '../../../test/support/dns-responder.ts';
import { type DnsSpec, dnsDiscovery } from '../src/dns.ts';
import { TellingClock } from './telling-clock.ts';

const records = (ttl: number, ...addresses: string[]): Said => ({ addresses, ttl });
const NONE = records(60);

describe('dns discovery over a name server', () => {
  let server: DnsResponder;
  let clock: TellingClock;
  let watch: Disposable;
  let reports: string[][];
  let failures: string[];
  let woken = Promise.withResolvers<void>();

  const start = async (a: Said, aaaa: Said, more: Partial<DnsSpec> = {}) => {
    server = await DnsResponder.start(a, aaaa);
    clock = new TellingClock();
    reports = [];
    failures = [];
    const resolve = () => Promise.reject(new Error('the system was asked'));
    const discovery = dnsDiscovery({ clock, resolve, random: () => 0.5 });
    const spec: DnsSpec = { host: 'app.test', port: 80, servers: [server.address], ...more };
    const tell = (endpoints: readonly EndpointSpec[]) => reports.push(endpoints.map(({ address }) => address));
    clock.onArmed = () => woken.resolve();
    watch = discovery.watch(spec, tell, (error) => failures.push(error.message));
    await answered();
  };
  /** Resolves when a look-up is over: the next one is then waited for. */
  const answered = async () => {
    await woken.promise;
    woken = Promise.withResolvers();
    await Promise.resolve();
  };
  const again = async () => {
    clock.advance(clock.armed! + 100);
    await answered();
  };
  afterEach(async () => {
    watch[Symbol.dispose]();
    await server.stop();
  });

  it('makes every A and AAAA record an endpoint', async () => {
    await start(records(60, '10.0.0.1', '10.0.0.2'), records(60, 'fd00::1'));
    expect(reports).to.have.length(1);
    expect(reports[0]).to.have.members(['10.0.0.1:80', '10.0.0.2:80', '[fd00::1]:80']);
    expect(failures).to.deep.equal([]);
  });

  for (const [name, a, aaaa, bounds, ms] of [
    ['the TTL', records(12, '10.0.0.1'), NONE, {}, 12_000],
    ['the shorter TTL', records(12, '10.0.0.1'), records(7, 'fd00::1'), {}, 7_000],
    ['refresh, where the TTL is longer', records(300, '10.0.0.1'), NONE, {}, 30_000],
    ['refresh, as it is set', records(300, '10.0.0.1'), NONE, { refresh: 90_000 }, 90_000],
    ['the TTL alone, where refresh is off', records(300, '10.0.0.1'), NONE, { refresh: Infinity }, 300_000],
    ['minRefresh, where the TTL is shorter', records(0, '10.0.0.1'), NONE, {}, 1_000],
    ['minRefresh, as it is set', records(1, '10.0.0.1'), NONE, { minRefresh: 5_000 }, 5_000],
  ] as const)
    it(`asks again after ${name}`, async () => {
      await start(a, aaaa, bounds);
      expect(clock.armed).to.equal(ms);
    });

  it('reports what changed, and asks each time', async () => {
    await start(records(5, '10.0.0.1', '10.0.0.2'), NONE);
    await again();
    expect(reports).to.have.length(1);
    expect(server.asked).to.equal(4);
    server.says.a = records(5, '10.0.0.2', '10.0.0.3');
    await again();
    expect(reports).to.have.length(2);
    expect(reports[1]).to.have.members(['10.0.0.2:80', '10.0.0.3:80']);
  });

  it('asks again although the TTL is not over, where refresh is shorter', async () => {
    await start(records(3_600, '10.0.0.1'), NONE, { refresh: 10_000 });
    server.says.a = records(3_600, '10.0.0.9');
    await again();
    expect(reports.at(-1)).to.deep.equal(['10.0.0.9:80']);
  });

  for (const code of ['SERVFAIL', 'NXDOMAIN'] as const)
    it(`keeps the last good answer on ${code}, and asks again soon`, async () => {
      await start(records(60, '10.0.0.1'), NONE);
      server.says.a = code;
      server.says.aaaa = code;
      await again();
      expect(reports).to.have.length(1);
      expect(failures[0]).to.match(/^app\.test cannot be resolved: /);
      expect(clock.armed).to.equal(1_000);
      server.says.a = records(60, '10.0.0.1');
      server.says.aaaa = NONE;
      await again();
      expect(reports[1], 'that it works again').to.deep.equal(reports[0]);
      expect(clock.armed).to.equal(30_000);
    });

  it('takes no endpoint away where one of the two questions fails', async () => {
    await start(records(60, '10.0.0.1'), records(60, 'fd00::1'));
    server.says.aaaa = 'SERVFAIL';
    server.says.a = records(60, '10.0.0.2');
    await again();
    expect(reports.at(-1)).to.have.members(['10.0.0.2:80', '[fd00::1]:80']);
    server.says.aaaa = NONE;
    await again();
    expect(reports.at(-1)).to.deep.equal(['10.0.0.2:80']);
  });

  it('goes without what one of the two questions never had', async () => {
    await start(records(60, '10.0.0.1'), 'SERVFAIL');
    expect(reports).to.deep.equal([['10.0.0.1:80']]);
    expect(failures).to.deep.equal([]);
  });

  it('has no endpoint until the name resolves', async () => {
    await start('NXDOMAIN', 'NXDOMAIN');
    expect(reports).to.deep.equal([[]]);
    server.says.a = records(60, '10.0.0.1');
    await again();
    expect(reports).to.deep.equal([[], ['10.0.0.1:80']]);
  });

  it('is silent once disposed, with a question under way', async () => {
    await start(records(60, '10.0.0.1'), NONE);
    server.says.a = 'silence';
    clock.advance(clock.armed! + 100);
    watch[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reports).to.have.length(1);
    expect(failures).to.deep.equal([]);
  });
});
