import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, writeAuthority, writePair } from '../support/certificates.ts';
import { endPrograms, runToEnd, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { filesBelow, read } from '../support/tree.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

/** Who is asked what, in some of the examples: `Host` and path → the cluster that answers. */
const ASKS: Readonly<Record<string, readonly (readonly [host: string, path: string, cluster: string])[]>> = {
  'examples/balancing.yaml': [
    ['chat.example.com', '/', 'chat'],
    ['api.example.com', '/', 'api'],
    ['cache.example.com', '/', 'cache'],
    ['localhost', '/', 'shop'],
  ],
  'examples/everything.yaml': [
    ['localhost', '/', 'app'],
    ['chat.example.com', '/ws', 'app'],
    ['chat.example.com', '/healthz', 'app'],
  ],
  'examples/https.yaml': [['localhost', '/', 'app']],
  'examples/long-lived/outrigger.yaml': [
    ['localhost', '/', 'chat'],
    ['localhost', '/feed', 'chat'],
  ],
  'examples/websocket-and-http.yaml': [
    ['localhost', '/ws', 'chat'],
    ['localhost', '/ws/room', 'chat'],
    ['shop.example.com', '/', 'web'],
    ['localhost', '/wsx', 'web'],
  ],
};

/** The names below a key of the top level. */
function namesIn(text: string, key: string): string[] {
  const [, section = ''] = new RegExp(`^${key}:.*\\n((?:(?: .*|#.*)?\\n)+)`, 'm').exec(text) ?? [];
  return [...section.matchAll(/^ {2}([\w-]+):/gm)].map((match) => match[1]!);
}

/** Resolves to the code that a WebSocket is closed with; `talk` once it is open. */
async function closedWith(url: string, headers: Record<string, string>, talk: (socket: WebSocket) => void) {
  const socket = new WebSocket(url, { headers });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  talk(socket);
  const [code, reason] = await closed;
  return `${code} ${reason}`;
}

describe('examples', () => {
  const files = filesBelow('examples').filter((file) => file.endsWith('.yaml'));
  const upstreams: Upstream[] = [];
  const scratch = new Scratch();
  let authority: Authority;
  before(async () => {
    authority = await Authority.create();
    writeAuthority(scratch.folder, 'ca', authority);
    writePair(scratch.folder, 'edge', await authority.issue({ names: ['localhost', '127.0.0.1'] }));
  });
  after(() => scratch.remove());

  /** The status and the text of what a listener answers, whatever it speaks. */
  async function ask(file: string, port: number, path = '/', host = 'localhost'): Promise<[number, string]> {
    // fetch sends a Host of its own.
    const options = { port, host: '127.0.0.1', path, headers: { host }, agent: false };
    const secure = read(file).includes('protocol: https');
    const call = secure ? request({ ...options, ca: authority.cert }) : plainRequest(options);
    call.end();
    const [response] = await once(call, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return [response.statusCode, text];
  }

  afterEach(async () => {
    await endPrograms();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
  });

  it('are there, and what is asked below is asked of one of them', () => {
    expect(files).to.include.members(Object.keys(ASKS));
  });

  for (const file of files) {
    describe(file, () => {
      const listeners = namesIn(read(file), 'listeners');
      const moved = listeners.flatMap((name) => ['--set', `listeners.${name}.bind=127.0.0.1:0`]);
      /** Nobody listens where it exports its spans to. */
      const env = { OTEL_TRACES_EXPORTER: 'none', TLS_DIR: scratch.folder };
      const start = (set: readonly string[]) =>
        sidecarOn(file, [...moved, '--set', 'probes=false', '--set', 'drain.delay=0s', ...set], { env });

      it('begins with its schema, for editors', () => {
        expect(read(file)).to.match(/^# yaml-language-server: \$schema=\S+\n/);
      });

      it('is valid as it stands', async () => {
        const { code, stderr } = await runToEnd(['check', '-c', file], { env });
        expect([code, stderr]).to.deep.equal([0, '']);
      });

      it('runs: each of its listeners answers, and a signal ends it with 0', async () => {
        expect(listeners.length).to.be.above(0);
        const program = start([]);
        for (const name of listeners) {
          const [status] = await ask(file, await program.port(name));
          // Nobody runs its endpoints here.
          expect(status).to.be.oneOf([502, 503, 504]);
        }
        program.kill('SIGTERM');
        expect(await program.exit).to.deep.equal({ code: 0, signal: null });
      });

      const asks = ASKS[file];
      if (asks === undefined) return;
      it('sends to each cluster what belongs there', async () => {
        const clusters = new Set(asks.map(([, , cluster]) => cluster));
        expect(namesIn(read(file), 'clusters')).to.include.members([...clusters]);
        const set: string[] = [];
        for (const cluster of clusters) {
          const upstream = await httpUpstream((_request, response) => response.end(cluster));
          upstreams.push(upstream);
          set.push('--set', `clusters.${cluster}.endpoints=["${upstream.address}"]`);
        }
        const port = await start(set).port(listeners[0]);
        for (const [host, path, cluster] of asks) {
          const [, text] = await ask(file, port, path, host);
          expect(text, `${host}${path}`).to.equal(cluster);
        }
      });
    });
  }

  it('examples/long-lived: a WebSocket ends with its credential, and a renewed one goes on to a drain with 1012', async () => {
    const chat = await webSocketUpstream(echoMessages);
    upstreams.push(chat);
    const program = sidecarOn('examples/long-lived/outrigger.yaml', [
      ...['listeners.inbound.bind=127.0.0.1:0', 'probes=false', 'drain.delay=0s'].flatMap((set) => ['--set', set]),
      ...['--set', `clusters.chat.endpoints=["${chat.address}"]`],
    ]);
    const url = `ws://127.0.0.1:${await program.port()}/`;
    const inSeconds = (seconds: number) => String(Date.now() / 1_000 + seconds);
    expect(await closedWith(url, { 'x-token-expires': inSeconds(0.2) }, () => {})).to.equal('1008 expired');
    const renewed = closedWith(url, { 'x-token-expires': inSeconds(0.5) }, (socket) => {
      socket.send('renew 4102444800');
      socket.send('hello');
      // What comes back first is the message behind the renewal, which goes no further.
      socket.on('message', (data) => {
        expect(String(data)).to.equal('hello');
        program.kill('SIGTERM');
      });
    });
    expect(await renewed).to.equal('1012 drain');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    const closes = program.log.filter(({ msg }) => msg === 'websocket closed');
    expect(closes.map(({ cause }) => cause)).to.deep.equal(['expired', 'drain']);
  });
});
