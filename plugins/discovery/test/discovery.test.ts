import type { Discovery, EndpointSpec } from '@outrigger/core';
import { expect } from 'chai';
import { dnsDiscovery } from '../src/dns.ts';
import { type Answer, systemResolver } from '../src/resolver.ts';
import { staticDiscovery } from '../src/static.ts';
import { settled, TellingClock } from './telling-clock.ts';

/** A discovery at work, with what it said; `answers` are what each name resolves to from now on. */
function watching(
  make: typeof staticDiscovery,
  spec: unknown,
  answers: Record<string, readonly string[]>,
  random = 0.5,
) {
  const clock = new TellingClock();
  const asked: string[] = [];
  const reports: (readonly EndpointSpec[])[] = [];
  const failures: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    const answer = answers[name];
    if (!answer) throw new Error(`ENOTFOUND ${name}`);
    return { addresses: answer };
  };
  const discovery: Discovery = make({ clock, resolve, random: () => random });
  const watch = discovery.watch(
    spec,
    (endpoints) => reports.push(endpoints),
    (error) => failures.push(error.message),
  );
  return { clock, asked, reports, failures, watch };
}

describe('static discovery', () => {
  it('reports IP addresses and Unix-domain sockets at once, as they are', () => {
    const spec = [{ address: '127.0.0.1:80', weight: 3 }, { address: '[::1]:80' }, { address: 'unix:/run/app.sock' }];
    const { reports, asked, clock } = watching(staticDiscovery, spec, {});
    expect(reports).to.deep.equal([spec]);
    expect(asked).to.deep.equal([]);
    expect(clock.armed).to.equal(undefined);
  });

  it('reports an empty list at once', () => {
    expect(watching(staticDiscovery, [], {}).reports).to.deep.equal([[]]);
  });

  it('keeps a name one endpoint, with its addresses in the order given', async () => {
    const spec = [{ address: 'app:80', weight: 2, metadata: { zone: 'a' } }];
    const { reports } = watching(staticDiscovery, spec, { app: ['10.0.0.2', '::2', '10.0.0.1'] });
    expect(reports).to.deep.equal([]);
    await settled();
    expect(reports).to.deep.equal([[{ ...spec[0], resolved: ['10.0.0.2', '::2', '10.0.0.1'] }]]);
  });

  it('does not let addresses wait for names', async () => {
    const { reports } = watching(staticDiscovery, [{ address: 'app:80' }, { address: '10.0.0.9:80' }], {
      app: ['10.0.0.1'],
    });
    expect(reports).to.deep.equal([[{ address: '10.0.0.9:80' }]]);
    await settled();
    expect(reports[1]).to.deep.equal([{ address: 'app:80', resolved: ['10.0.0.1'] }, { address: '10.0.0.9:80' }]);
  });

  it('asks once for a name with two ports', async () => {
    const { asked, reports } = watching(staticDiscovery, [{ address: 'app:80' }, { address: 'app:81' }], {
      app: ['10.0.0.1'],
    });
    await settled();
    expect(asked).to.deep.equal(['app']);
    expect(reports.at(-1)).to.have.length(2);
  });

  it('looks names up again every 30 s and reports changes alone', async () => {
    const answers: Record<string, string[]> = { app: ['10.0.0.1', '10.0.0.2'] };
    const { clock, reports, asked } = watching(staticDiscovery, [{ address: 'app:80' }], answers);
    await settled();
    expect(clock.armed).to.equal(30_000);
    await clock.expire();
    answers['app'] = ['10.0.0.2', '10.0.0.1'];
    await clock.expire();
    expect(asked).to.have.length(3);
    expect(reports).to.have.length(1);
    answers['app'] = ['10.0.0.3'];
    await clock.expire();
    expect(reports[1]).to.deep.equal([{ address: 'app:80', resolved: ['10.0.0.3'] }]);
  });

  for (const [random, ms] of [
    [0, 27_000],
    [0.5, 30_000],
    [1, 33_000],
  ] as const)
    it(`looks up again after ${ms} ms where chance says ${random}`, async () => {
      const { clock } = watching(staticDiscovery, [{ address: 'app:80' }], { app: ['10.0.0.1'] }, random);
      await settled();
      expect(clock.armed).to.equal(ms);
    });

  it('keeps the last good answer when a look-up fails, and says so', async () => {
    const answers: Record<string, string[]> = { app: ['10.0.0.1'] };
    const { clock, reports, failures } = watching(staticDiscovery, [{ address: 'app:80' }], answers);
    await settled();
    delete answers['app'];
    await clock.expire();
    expect(failures).to.deep.equal(['app cannot be resolved: ENOTFOUND app']);
    expect(reports).to.have.length(1);
    expect(clock.armed).to.equal(1_000);
    answers['app'] = ['10.0.0.1'];
    await clock.expire();
    expect(reports[1], 'that it works again').to.deep.equal(reports[0]);
    expect(clock.armed).to.equal(30_000);
  });

  it('tries a name that does not resolve at start again, ever more rarely, and goes without it until then', async () => {
    const answers: Record<string, string[]> = { app: ['10.0.0.1'] };
    const { clock, reports, failures } = watching(staticDiscovery, [{ address: 'gone:80' }], answers);
    await settled();
    expect(reports).to.deep.equal([[]]);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 7; i++) {
      waits.push(clock.armed);
      await clock.expire();
    }
    expect(waits).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(failures).to.have.length(8);
    answers['gone'] = ['10.0.0.7'];
    await clock.expire();
    expect(reports).to.deep.equal([[], [{ address: 'gone:80', resolved: ['10.0.0.7'] }]]);
  });

  it('reports the empty list before the failure, not as its end', async () => {
    const said: string[] = [];
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    for (const [make, spec] of [
      [staticDiscovery, [{ address: 'app:80' }]],
      [dnsDiscovery, { host: 'app', port: 80 }],
    ] as const)
      make({ clock: new TellingClock(), resolve, random: () => 0.5 }).watch(
        spec,
        (endpoints) => said.push(`${endpoints.length} endpoints`),
        () => said.push('failed'),
      );
    await settled();
    expect(said).to.deep.equal(['0 endpoints', 'failed', '0 endpoints', 'failed']);
  });

  it('takes an answer without an address for a failure', async () => {
    const { failures, reports } = watching(staticDiscovery, [{ address: 'app:80' }], { app: [] });
    await settled();
    expect(failures).to.deep.equal(['app has no address']);
    expect(reports).to.deep.equal([[]]);
  });

  it('is silent once disposed, look-ups under way included', async () => {
    const { watch, reports, clock } = watching(staticDiscovery, [{ address: 'app:80' }], { app: ['10.0.0.1'] });
    watch[Symbol.dispose]();
    await settled();
    expect(reports).to.deep.equal([]);
    expect(clock.armed).to.equal(undefined);
  });
});

describe('dns discovery', () => {
  it('makes every answer an endpoint of its own', async () => {
    const { reports } = watching(
      dnsDiscovery,
      { host: 'app', port: 80, refresh: 30_000 },
      { app: ['10.0.0.1', '::1', '10.0.0.1'] },
    );
    await settled();
    expect(reports).to.deep.equal([[{ address: '10.0.0.1:80' }, { address: '[::1]:80' }]]);
  });

  it('asks again after its refresh and reports changes alone', async () => {
    const answers: Record<string, string[]> = { app: ['10.0.0.1', '10.0.0.2'] };
    const { clock, reports } = watching(dnsDiscovery, { host: 'app', port: 80, refresh: 5_000 }, answers);
    await settled();
    expect(clock.armed).to.equal(5_000);
    answers['app'] = ['10.0.0.2', '10.0.0.1'];
    await clock.expire();
    expect(reports).to.have.length(1);
    answers['app'] = ['10.0.0.2'];
    await clock.expire();
    expect(reports[1]).to.deep.equal([{ address: '10.0.0.2:80' }]);
  });

  it('asks once where its refresh is off', async () => {
    const { clock } = watching(
      dnsDiscovery,
      { host: 'app', port: 80, refresh: Number.POSITIVE_INFINITY },
      { app: ['10.0.0.1'] },
    );
    await settled();
    expect(clock.armed).to.equal(undefined);
  });

  it('has no endpoint until the name resolves, and keeps the last ones when it no longer does', async () => {
    const answers: Record<string, string[]> = {};
    const { clock, reports, failures } = watching(dnsDiscovery, { host: 'app', port: 80 }, answers);
    await settled();
    await clock.expire();
    expect(reports).to.deep.equal([[]]);
    answers['app'] = ['10.0.0.1'];
    await clock.expire();
    delete answers['app'];
    await clock.expire();
    expect(reports).to.deep.equal([[], [{ address: '10.0.0.1:80' }]]);
    expect(failures).to.have.length(3);
  });
});

describe('the system resolver', () => {
  it('knows localhost', async () => {
    expect(await systemResolver('localhost')).to.satisfy(
      ({ addresses }: Answer) => addresses.includes('127.0.0.1') || addresses.includes('::1'),
    );
  });

  it('rejects an unknown name', async () => {
    const error = await systemResolver('name.invalid').catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
  });
});
