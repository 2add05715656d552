import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, writePair } from '../support/certificates.ts';
import { itWith, otelcol, type Peer, promtool } from '../support/peers.ts';
import { endPrograms, ROOT, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { read } from '../support/tree.ts';
import { echoMessages, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const FOLDER = 'examples/observability';

/** What a peer says of a file of the folder; it must end with 0. */
function passes(peer: Peer, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(peer.path!, args, { cwd: `${ROOT}/${FOLDER}`, encoding: 'utf8' });
  expect(status, stdout + stderr).to.equal(0);
  return stdout + stderr;
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly query: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

/** The metrics that a text of PromQL names; those of our own process are all that there are beside `up`. */
const metricsIn = (text: string) => [
  ...new Set([...text.matchAll(/\b(?:outrigger|http|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name)),
];
/** Names of the HTTP conventions that are labels. */
const LABELS = ['http_response_status_code', 'http_request_method', 'http_route'];

describe('examples/observability', () => {
  const dashboard = JSON.parse(read(`${FOLDER}/dashboard.json`)) as Dashboard;
  const alerts = read(`${FOLDER}/alerts.yml`);
  const scratch = new Scratch();
  let upstream: Upstream;
  before(async () => {
    upstream = await webSocketUpstream(echoMessages);
  });
  after(async () => {
    await endPrograms();
    await upstream.stop();
    scratch.remove();
  });

  itWith(promtool, 'has rules and a configuration that Prometheus takes', async () => {
    expect(passes(promtool, ['check', 'rules', 'alerts.yml'])).to.match(/SUCCESS: \d+ rules found/);
    expect(passes(promtool, ['check', 'config', 'prometheus.yml'])).to.include('1 rule files found');
  });

  itWith(promtool, 'has alerts that fire when they should, and not before', async () => {
    passes(promtool, ['test', 'rules', 'alerts.test.yml']);
  });

  it('tests each of its alerts but for what Prometheus itself tells', () => {
    const tests = read(`${FOLDER}/alerts.test.yml`);
    const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
    expect(names.length).to.be.above(10);
    expect(names.filter((name) => !tests.includes(`alertname: ${name}\n`))).to.deep.equal([]);
  });

  itWith(otelcol, 'has a file that the Collector takes', async () => {
    passes(otelcol, ['validate', '--config', 'collector.yml']);
  });

  it('has a dashboard whose panels are told apart, with the names of README.md', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).to.equal(dashboard.panels.length);
    expect(new Set(dashboard.panels.map(({ title }) => title)).size).to.equal(dashboard.panels.length);
    for (const [, file] of read(`${FOLDER}/README.md`).matchAll(/\]\(([\w./]+)\)/g))
      expect(read(`${FOLDER}/${file}`), file).to.not.equal('');
  });

  it('names only metrics that a sidecar has', async () => {
    writePair(scratch.folder, 'edge', await (await Authority.create()).issue({ names: ['localhost'] }));
    const listener = `listeners:
  secure: { protocol: https, bind: "127.0.0.1:0", cluster: chat, tls: { certificates: [{ cert: "${scratch.folder}/edge.crt", key: "${scratch.folder}/edge.key" }] } }
`;
    // Nobody listens where it exports its spans to.
    const own = read(`${FOLDER}/outrigger.yaml`)
      .replace('listeners:\n', listener)
      .replace('127.0.0.1:4318', '127.0.0.1:9');
    const file = scratch.write('outrigger.yaml', own);
    const program = sidecarOn(file, [
      '--set',
      'listeners.inbound.bind=127.0.0.1:0',
      '--set',
      `clusters.chat.endpoints=${JSON.stringify([upstream.address])}`,
    ]);
    const port = await program.port('inbound');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).to.equal(200);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    socket.send('hello');
    await once(socket, 'message');
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const text = await (await fetch(`http://${admin}/metrics`)).text();
    socket.terminate();

    const told = new Set<string>();
    for (const [, name, kind] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      const parts = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const part of parts) told.add(name! + part);
    }
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const variables = dashboard.templating.list.map(({ query }) => query);
    const rules = [...alerts.matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*))/g)].map(([, long, short]) => long ?? short!);
    expect(rules.length).to.be.above(10);
    const named = metricsIn([...expressions, ...variables, ...rules].join('\n')).filter(
      (name) => !LABELS.includes(name),
    );
    expect(named.length).to.be.above(25);
    expect(named.filter((name) => !told.has(name))).to.deep.equal([]);
  });
});
