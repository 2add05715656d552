import { fileURLToPath } from 'node:url';
import type { Plugin } from '@outrigger/core';
import { expect } from 'chai';
import { formatProblem, type LoadedPlugin, type PluginEntry, readDocument, validate } from '../src/index.ts';
import { known, plugins } from './stand-ins.ts';

const file = fileURLToPath(new URL('design.yaml', import.meta.url));
const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What a program does between the two steps: it loads what is not built in. */
function load(entries: readonly PluginEntry[]): LoadedPlugin[] {
  const builtIn = new Set<string>(plugins.map(({ plugin }) => plugin.name));
  const header = { header: { doc: 'Header that every session must carry.', format: String, default: 'x-tenant' } };
  return entries
    .filter(({ use }) => !builtIn.has(use))
    .map((entry) => {
      const plugin: Plugin = {
        name: entry.isPath ? 'require-header' : 'audit',
        bind() {},
        ...(entry.isPath && { config: header }),
      };
      return { plugin, entry };
    });
}

describe("the design's example", () => {
  const document = readDocument(file, {});
  const { configuration, problems = [] } = validate(document, {
    ...known,
    plugins: [...plugins, ...load(document.plugins)],
  });

  it('is valid', () => {
    expect(problems.map(formatProblem)).to.deep.equal([]);
  });

  it('names its plugins in order, paths absolute', () => {
    expect(document.plugins.map(({ use }) => use)).to.deep.equal([
      'keepalive',
      'tracing',
      beside('plugins/require-header.ts'),
      '@acme/outrigger-audit',
    ]);
  });

  it('keeps the built-in plugins first, with the settings of the file', () => {
    expect(configuration?.plugins.map(({ use }) => use)).to.deep.equal([
      ...plugins.map(({ plugin }) => plugin.name),
      beside('plugins/require-header.ts'),
      '@acme/outrigger-audit',
    ]);
    expect(configuration?.plugins.find(({ use }) => use === 'keepalive')?.settings).to.deep.equal({
      websocket: { interval: 25_000, timeout: 10_000 },
    });
    expect(configuration?.plugins.find(({ use }) => use === 'tracing')?.settings).to.deep.equal({
      sampling: 0.01,
      atLeast: 1,
      trust: 'all',
      maxBatch: 65_536,
    });
    expect(configuration?.plugins.at(-1)).to.deep.equal({
      use: '@acme/outrigger-audit',
      settings: {},
      onError: 'open',
      timeout: 10_000,
      listeners: ['edge'],
    });
  });

  it('says what belongs to the core', () => {
    const { service, admin, probes, drain } = configuration!;
    expect({ service, admin, probes, drain }).to.deep.equal({
      service: { name: 'chat' },
      admin: { bind: '127.0.0.1:9901' },
      probes: { bind: '0.0.0.0:9902' },
      drain: { delay: 0, timeout: 30_000, rate: 200, code: 1001 },
    });
  });

  it('gives a listener its sections, typed, with paths absolute and defaults filled in', () => {
    const edge = configuration!.listeners.find(({ name }) => name === 'edge')!;
    expect(edge.settings).to.deep.equal({
      trustedPeers: ['10.0.0.0/8'],
      timeouts: { head: 10_000, body: 30_000, write: 30_000, idle: 75_000 },
      tls: {
        certificates: [{ cert: beside('tls/a.crt'), key: beside('tls/a.key') }],
        clientCa: beside('tls/ca.crt'),
        clientAuth: 'require',
        minVersion: 'TLSv1.2',
        strictSni: false,
      },
    });
    expect(edge.routes).to.deep.equal([
      {
        cluster: 'chat',
        onChange: 'keep',
        settings: {
          match: { host: 'chat.example.com', path: '/ws', headers: { 'x-beta': '1' } },
          timeouts: { response: 60_000 },
        },
      },
      { cluster: 'app', onChange: 'keep', settings: { match: {}, timeouts: {} } },
    ]);
  });

  it('makes a plain cluster one route, inbound by default', () => {
    const [inbound, outbound] = configuration!.listeners;
    expect(inbound).to.deep.include({ name: 'inbound', protocol: 'http', bind: '0.0.0.0:8080', direction: 'inbound' });
    expect(inbound!.routes).to.deep.equal([
      { cluster: 'app', onChange: 'keep', settings: { match: {}, timeouts: {} } },
    ]);
    expect(outbound!.direction).to.equal('outbound');
  });

  it('gives a cluster its balancer, its endpoints and its sections', () => {
    const chat = configuration!.clusters.find(({ name }) => name === 'chat')!;
    expect(chat.balancer).to.deep.equal({ policy: 'least-request', settings: { choices: 2 } });
    expect(chat.discovery).to.deep.equal({
      name: 'static',
      spec: [
        { address: '127.0.0.1:4001', weight: 1, metadata: {} },
        { address: '127.0.0.1:4002', weight: 3, metadata: {} },
      ],
    });
    expect(chat.settings).to.deep.include({
      timeouts: { connect: 5_000, idle: 4_000, response: 300_000, total: Number.POSITIVE_INFINITY },
      sticky: { cookie: 'SERVERID' },
      retry: { attempts: 2, on: ['connect-failure', 'reset', 503] },
      health: { http: { path: '/healthz' }, interval: 2_000, timeout: 1_000, rise: 2, fall: 3 },
    });
    const cart = configuration!.clusters.find(({ name }) => name === 'cart')!;
    expect(cart.balancer).to.deep.equal({ policy: 'round-robin', settings: {} });
    expect(cart.discovery).to.deep.equal({ name: 'dns', spec: { host: 'cart.internal', port: 8080, refresh: 30_000 } });
  });

  it('is frozen through and through', () => {
    const thawed: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      for (const [key, child] of Object.entries(value)) walk(child, `${path}.${key}`);
    };
    walk(configuration, '');
    expect(thawed).to.deep.equal([]);
  });
});
