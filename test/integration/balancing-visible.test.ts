import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

interface Row {
  readonly address: string;
  readonly requests: number;
  readonly streams: number;
  readonly ewmaMs?: number;
  readonly health?: { readonly [key: string]: unknown };
}
interface ClusterRow {
  readonly endpoints: readonly Row[];
  readonly panic?: boolean;
  readonly load?: object;
}

/** Asks for the round trip of each WebSocket's endpoint, again and again. */
const PING_PLUGIN = `import { ConnectionHooks, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: 'ping',
  bind(bind) {
    bind(ConnectionHooks).toConstantValue({
      onOpen: (session) => session.websocket.ping('upstream'),
      onPong: (session, side) => session.websocket.ping(side),
    });
  },
});
`;

describe('what balancing does is seen', () => {
  const scratch = new Scratch();
  let upstreams: Upstream[] = [];
  let sidecar: Program;
  let port: number;
  let admin: string;
  afterEach(async () => {
    await endPrograms();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop().catch(() => {})));
  });
  after(() => scratch.remove());

  const start = async (cluster: string, started: readonly Promise<Upstream>[], more = '') => {
    upstreams = await Promise.all(started);
    const file = scratch.write(
      'seen.yaml',
      `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters:
  app:
    endpoints: ${JSON.stringify(upstreams.map(({ address }) => address))}
${cluster}${more}`,
    );
    sidecar = sidecarOn(file);
    port = await sidecar.port();
    ({ admin } = (await sidecar.logged('ready')) as unknown as { admin: string });
  };
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).status;
  const row = async (): Promise<ClusterRow> =>
    ((await (await fetch(`http://${admin}/clusters`)).json()) as { clusters: ClusterRow[] }).clusters[0]!;
  /** The lines of a metric, without its name. */
  const metric = async (name: string) => {
    const text = await (await fetch(`http://${admin}/metrics`)).text();
    return text.split('\n').flatMap((line) => (line.startsWith(`${name}{`) ? [line.slice(name.length)] : []));
  };
  const states = async ({ address }: Upstream) => {
    const lines = (await metric('outrigger_endpoint_state')).filter((line) => line.includes(`endpoint="${address}"`));
    return Object.fromEntries(
      lines.map((line) => {
        const [, state, value] = /state="(.*)"} (.*)/.exec(line)!;
        return [state, Number(value)];
      }),
    );
  };
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    return socket;
  };

  it('the EWMA of each endpoint, as pings find it; sockets go where it is lower', async () => {
    const MS = 80;
    const slow = webSocketUpstream(
      (socket) => void socket.on('ping', (data) => setTimeout(() => socket.pong(data), MS)),
      { autoPong: false } as object,
    );
    const fast = webSocketUpstream(() => {});
    scratch.write('ping.ts', PING_PLUGIN);
    await start(
      '    balancer: { policy: peak-ewma, default: 1ms, decay: 500ms }\n',
      [slow, fast],
      'plugins: [./ping.ts]\n',
    );
    const ewmas = async () => (await row()).endpoints.map(({ ewmaMs }) => ewmaMs!);
    expect(await ewmas()).to.deep.equal([1, 1]);
    const sockets = [await open(), await open()];
    expect((await row()).endpoints.map(({ streams }) => streams)).to.deep.equal([1, 1]);
    // The time to the heads is in it, too: pings bring both to what they are.
    for (;;) {
      const [slower, faster] = await ewmas();
      if (slower! >= MS && faster! < MS / 4) break;
    }
    sockets.push(await open(), await open());
    expect((await row()).endpoints.map(({ streams }) => streams)).to.deep.equal([1, 3]);
    for (const socket of sockets) socket.terminate();
  });

  it('checks and panic: state and why, counters and gauges, a line for each change', async () => {
    const isWell = [true, true];
    const upstream = (i: number) =>
      httpUpstream(({ url }, response) => {
        response.statusCode = url === '/healthz' && !isWell[i] ? 503 : 200;
        response.end();
      });
    await start(
      '    health: { http: { path: /healthz }, interval: 100ms, rise: 1, fall: 1, jitter: 0 }\n    panicThreshold: 0.6\n',
      [upstream(0), upstream(1)],
    );
    const [, second] = upstreams;
    while ((await row()).endpoints.some(({ health }) => health!['check'] !== 'passed'));
    expect(await row()).to.deep.include({ panic: false });
    expect(await metric('outrigger_cluster_panic')).to.deep.equal(['{cluster="app"} 0']);

    isWell[1] = false;
    const out = await sidecar.logged('an endpoint is out');
    expect(out).to.include({ level: 'warn', cluster: 'app', endpoint: second!.address, why: 'check: status 503' });
    expect(await sidecar.logged('too few endpoints are in: all are used')).to.include({ cluster: 'app', in: 1, of: 2 });
    const { endpoints, panic } = await row();
    expect(endpoints.map(({ health }) => health)).to.deep.equal([
      { state: 'in', check: 'passed' },
      { state: 'out', why: 'check: status 503', check: 'status 503' },
    ]);
    expect(panic).to.equal(true);
    const change = (to: string) => `{cluster="app",endpoint="${second!.address}",to="${to}"} 1`;
    expect(await metric('outrigger_endpoint_changes_total')).to.deep.equal([change('out')]);
    expect(await metric('outrigger_endpoints_out')).to.deep.equal(['{cluster="app"} 1']);
    expect(await states(second!)).to.deep.equal({ active: 0, unhealthy: 1, ejected: 0, draining: 0 });
    expect(await metric('outrigger_cluster_panic')).to.deep.equal(['{cluster="app"} 1']);
    const before = upstreams.map(({ connections }) => connections);
    for (let i = 0; i < 4; i++) expect(await ask()).to.equal(200);
    expect(second!.connections, 'in panic, who is out is asked').to.be.above(before[1]!);

    isWell[1] = true;
    expect(await sidecar.logged('an endpoint is in again')).to.include({ why: 'its checks pass' });
    await sidecar.logged('enough endpoints are in again');
    expect(await metric('outrigger_endpoint_changes_total')).to.have.members([change('out'), change('in')]);
    expect(await states(second!)).to.deep.equal({ active: 1, unhealthy: 0, ejected: 0, draining: 0 });
    expect(await metric('outrigger_cluster_panic')).to.deep.equal(['{cluster="app"} 0']);
    expect((await metric('outrigger_health_checks_total')).join()).to.match(/result="failed"} [1-9]/);
  });

  it('an ejection: why, and until when', async () => {
    await start('    outlier: { consecutive: 2, ejection: 1m }\n', [
      httpUpstream((_, response) => void response.writeHead(500).end()),
      httpUpstream((_, response) => void response.end()),
    ]);
    for (let i = 0; i < 4; i++) await ask();
    const { health } = (await row()).endpoints[0]!;
    const out = await sidecar.logged('an endpoint is out');
    expect(health).to.deep.include({ state: 'out', why: 'ejected: consecutive', timesEjected: 1, until: out['until'] });
    expect(Date.parse(health!['until'] as string) - Date.now()).to.be.within(50_000, 60_000);
    expect(await states(upstreams[0]!)).to.deep.equal({ active: 0, unhealthy: 0, ejected: 1, draining: 0 });
  });

  it('limits and retries: what counts, what was refused, what was tried again', async () => {
    const held: (() => void)[] = [];
    const { promise: both, resolve } = Promise.withResolvers<void>();
    await start('    limits: { requests: 2 }\n    retry: { on: [503] }\n', [
      httpUpstream((_, response) => void response.writeHead(503).end()),
      httpUpstream((_, response) => {
        held.push(() => response.end());
        if (held.length === 2) resolve();
      }),
    ]);
    const asked = [ask(), ask()];
    await both;
    expect((await row()).load).to.deep.include({ exchanges: 2, waiting: 0, streams: 0 });
    expect(await ask()).to.equal(503);
    for (const answer of held) answer();
    expect(await Promise.all(asked)).to.deep.equal([200, 200]);
    expect(await metric('outrigger_limit_refusals_total')).to.deep.equal(['{cluster="app",limit="requests"} 1']);
    expect(await metric('outrigger_retries_total')).to.deep.equal(['{cluster="app",result="retried"} 1']);
    expect((await row()).load).to.deep.equal({ exchanges: 0, waiting: 0, streams: 0, retries: 0 });
    expect(await metric('outrigger_cluster_endpoints')).to.have.members([
      '{cluster="app",state="listed"} 2',
      '{cluster="app",state="leaving"} 0',
    ]);
  });
});
