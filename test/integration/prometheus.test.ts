import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, writePair } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { itWith, prometheus } from '../support/peers.ts';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { PrometheusApi, type Rule, type Sample } from '../support/prometheus-api.ts';
import { Scratch } from '../support/scratch.ts';
import { read } from '../support/tree.ts';
import { echoMessages, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const FOLDER = 'examples/observability';

const FAILING_PLUGIN = `import { ConnectionHooks } from '@outrigger/core';
const onRequest = ({ request }) => {
  if (request.path === '/fails') throw new Error('as asked');
};
export default { name: 'failing', bind: (bind) => void bind(ConnectionHooks).toConstantValue({ onRequest }) };
`;

interface Exemplars {
  readonly exemplars: readonly { readonly labels: { readonly trace_id: string } }[];
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const stateOf = (rules: readonly Rule[], alert: string) => rules.find(({ name }) => name === alert)?.state;

/** Asks until there is an answer; throws, with what is missing, when 15 s have gone. */
async function asking<T>(ask: () => Promise<T | undefined>, missing: () => unknown): Promise<T> {
  const end = Date.now() + 15_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`not to be had: ${missing()}`);
  }
}

describe('Prometheus, on the files of examples/observability', () => {
  const scratch = new Scratch();
  let upstream: Upstream & { readonly sockets: Set<WebSocket> };
  let base: string;
  let admin: string;
  let api: PrometheusApi;

  /** A sidecar on the example's file, with one endpoint that is there and one that is not, and what a few alerts look at. */
  async function startSidecar(): Promise<void> {
    writePair(scratch.folder, 'edge', await (await Authority.create()).issue({ names: ['localhost'] }));
    scratch.write('failing.ts', FAILING_PLUGIN);
    const file = scratch.write(
      'outrigger.yaml',
      read(`${FOLDER}/outrigger.yaml`)
        .replace(
          'listeners:\n',
          'listeners:\n  secure: { protocol: https, bind: "127.0.0.1:0", cluster: chat, tls: { certificates: [{ cert: edge.crt, key: edge.key }] } }\n',
        )
        .replace('plugins:\n', 'plugins:\n  - ./failing.ts: {}\n')
        .replace('127.0.0.1:4318', '127.0.0.1:9'),
    );
    const endpoints = [upstream.address, `127.0.0.1:${await freePort()}`];
    const set = [
      'listeners.inbound.bind=127.0.0.1:0',
      'listeners.inbound.keepalive.interval=1s',
      `clusters.chat.endpoints=${JSON.stringify(endpoints)}`,
      'clusters.chat.limits.streams=3',
    ];
    const program = sidecarOn(
      file,
      set.flatMap((value) => ['--set', value]),
    );
    base = `127.0.0.1:${await program.port()}`;
    ({ admin } = (await program.logged('ready')) as unknown as { admin: string });
  }

  /** Prometheus, which looks each second, with the example's files but for that. */
  async function startPrometheus(): Promise<void> {
    const file = read(`${FOLDER}/prometheus.yml`).replaceAll('15s', '1s').replace('127.0.0.1:9901', admin);
    scratch.write('alerts.yml', read(`${FOLDER}/alerts.yml`));
    const address = `127.0.0.1:${await freePort()}`;
    const program = new Program(prometheus.path!, [
      `--config.file=${scratch.write('prometheus.yml', file)}`,
      `--storage.tsdb.path=${scratch.folder}/data`,
      `--web.listen-address=${address}`,
      '--enable-feature=exemplar-storage',
    ]);
    await program.until(({ stderr }) => stderr.includes('Server is ready to receive web requests'));
    api = new PrometheusApi(`http://${address}`);
  }

  async function get(path: string): Promise<number> {
    const response = await fetch(`http://${base}${path}`);
    await response.text();
    return response.status;
  }

  /** An open WebSocket; undefined where its handshake is refused. */
  async function open(): Promise<WebSocket | undefined> {
    const socket = new WebSocket(`ws://${base}/ws`);
    socket.on('error', () => {});
    const opened = await once(socket, 'open').then(
      () => true,
      () => false,
    );
    return opened ? socket : undefined;
  }

  /** Requests, more WebSockets than there may be, a message on each, and an end that the endpoint brings about. */
  async function traffic(): Promise<void> {
    for (let i = 0; i < 30; i++) expect(await get('/')).to.equal(200);
    const sockets = (await Promise.all(Array.from({ length: 4 }, open))).filter((socket) => socket !== undefined);
    for (const socket of sockets) {
      socket.send('hello');
      await once(socket, 'message');
    }
    const ends = sockets.map((socket) => once(socket, 'close'));
    for (const socket of [...upstream.sockets].slice(-1)) socket.terminate();
    for (const socket of sockets) socket.close(1000);
    await Promise.all(ends);
  }

  /** Sends traffic until each of these has had samples. */
  async function untilAllHave(queries: readonly string[]): Promise<ReadonlyMap<string, readonly Sample[]>> {
    const found = new Map<string, readonly Sample[]>();
    const missing = () => queries.filter((one) => !found.has(one));
    return asking(
      async () => {
        await traffic();
        for (const query of missing()) {
          const samples = (await api.query(query)).filter(({ value }) => value[1] !== 'NaN');
          if (samples.length > 0) found.set(query, samples);
        }
        return missing().length === 0 ? found : undefined;
      },
      () => missing().join('\n'),
    );
  }

  before(async () => {
    upstream = await webSocketUpstream(echoMessages);
    if (prometheus.path === undefined) return;
    await startSidecar();
    await startPrometheus();
  });
  after(async () => {
    await endPrograms();
    await upstream.stop();
    scratch.remove();
  });

  itWith(prometheus, 'has data for each panel of the dashboard, with the labels of its legend', async function () {
    this.timeout(20_000);
    const { panels } = JSON.parse(read(`${FOLDER}/dashboard.json`)) as { panels: readonly Panel[] };
    const asked = panels.flatMap(({ targets }) =>
      targets.map(({ expr, legendFormat }) => ({
        query: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m'),
        labels: [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, label]) => label!),
      })),
    );
    expect(asked.length).to.be.at.least(20);
    const quiet = await open();
    const found = await untilAllHave(asked.map(({ query }) => query));
    quiet?.terminate();
    for (const { query, labels } of asked)
      for (const { metric, value } of found.get(query)!) {
        for (const label of labels) expect(metric, query).to.have.property(label);
        expect(Number(value[1]), query).to.be.at.least(0);
      }
  });

  itWith(prometheus, 'evaluates each alert, on data, and tells of the first error of a plugin', async function () {
    this.timeout(20_000);
    const before = await api.rules();
    expect(stateOf(before, 'OutriggerPluginErrors')).to.not.equal('firing');
    expect(await get('/fails')).to.equal(500);
    // With `bool` a comparison tells what it compared instead of leaving it out.
    const shown = (query: string) => query.replaceAll(/ (==|<|>) (?=[\d.]+)/g, ' $1 bool ');
    await untilAllHave(before.map(({ query }) => shown(query)));
    const rules = await asking(
      async () => {
        const all = await api.rules();
        return stateOf(all, 'OutriggerPluginErrors') === 'firing' ? all : undefined;
      },
      () => 'OutriggerPluginErrors',
    );
    expect(rules.filter(({ health }) => health !== 'ok')).to.deep.equal([]);
    const count = [...read(`${FOLDER}/alerts.yml`).matchAll(/- alert:/g)].length;
    expect(rules.length).to.equal(count);
    expect(stateOf(rules, 'OutriggerEndpointOut')).to.equal('pending');
    expect(stateOf(rules, 'OutriggerDown')).to.equal('inactive');
  });

  itWith(prometheus, 'keeps exemplars whose traces the sidecar shows', async () => {
    const ids = await asking(
      async () => {
        await traffic();
        const series = await api.get<readonly Exemplars[]>('query_exemplars', {
          query: 'http_server_request_duration_seconds_bucket',
          start: String(Date.now() / 1000 - 60),
          end: String(Date.now() / 1000),
        });
        const all = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
        return all.length > 0 ? new Set(all) : undefined;
      },
      () => 'exemplars',
    );
    for (const id of ids) {
      const { traces } = (await (await fetch(`http://${admin}/traces?trace=${id}`)).json()) as { traces: unknown[] };
      expect(traces, id).to.have.length(1);
    }
  });
});
