import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AdminRoute, Cluster, Session } from '@outrigger/core';
import { expect } from 'chai';
import { takenPort } from '../../../test/support/taken-port.ts';
import { Admin } from '../src/admin.ts';
import { type SetUp, setUp } from './stand-ins.ts';

const at = '1970-01-01T00:00:00.000Z';
const address = { family: 'ipv4', host: '10.0.0.7', port: 4711 } as const;

function session(id: string, more: object = {}): Session {
  return {
    id,
    kind: 'http',
    connection: { listener: { name: 'inbound' }, peer: { address } },
    generation: 2,
    request: { method: 'GET', host: 'app', path: '/x' },
    attempts: [{ endpoint: { address: '127.0.0.1:3000' } }],
    startedAt: 0,
    ...more,
  } as unknown as Session;
}

describe('the admin address', () => {
  const running: SetUp[] = [];
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
  });

  async function begin(...args: Parameters<typeof setUp>): Promise<SetUp> {
    const one = setUp(...args);
    await one.start();
    running.push(one);
    return one;
  }
  const local = { admin: { bind: '127.0.0.1:0' } } as const;

  async function ask(one: SetUp, path: string, init: RequestInit = {}, name = 'admin') {
    const response = await fetch(`http://${one.sidecar.addresses.get(name)}${path}`, init);
    const text = await response.text();
    const type = response.headers.get('content-type')!;
    return {
      status: response.status,
      headers: response.headers,
      body: type.includes('json') ? JSON.parse(text) : text,
    };
  }

  /** A request with a Host of its own, which fetch would not send. */
  async function askAs(one: SetUp, host: string): Promise<number> {
    const [name, port] = one.sidecar.addresses.get('admin')!.split(':') as [string, string];
    const sent = httpRequest({ host: name, port, path: '/livez', headers: { host } }).end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  }

  it('tells what there is to ask, and answers 404 and 405 with what would be right', async () => {
    const one = await begin(local);
    const paths = [
      '/',
      '/openapi.json',
      '/livez',
      '/readyz',
      '/healthz',
      '/config_dump',
      '/logging',
      '/logging',
      '/listeners',
      '/clusters',
      '/sessions',
      '/sessions/*',
      '/drain',
      '/live',
      '/page/*',
    ];
    expect((await ask(one, '/')).body.paths.map(({ path }: { path: string }) => path)).to.deep.equal(paths);
    const lost = await ask(one, '/nope');
    expect([lost.status, lost.body.error, lost.body.paths.length]).to.deep.equal([
      404,
      'there is no /nope here',
      paths.length,
    ]);
    const wrong = await ask(one, '/drain');
    expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'POST']);
  });

  it('is live from the start, and ready as long as the sidecar is', async () => {
    const one = await begin(local);
    for (const [state, status] of [
      ['starting', 503],
      ['ready', 200],
      ['draining', 503],
      ['stopped', 503],
    ] as const) {
      one.sidecar.state = state;
      const { status: readiness, body } = await ask(one, '/readyz');
      expect([readiness, body]).to.deep.equal([status, { status: state }]);
      expect((await ask(one, '/healthz')).status).to.equal(status);
      expect((await ask(one, '/livez')).status).to.equal(200);
    }
  });

  it('tells why a reload failed', async () => {
    const one = await begin(local);
    one.sidecar.reloads = { changed: 2, unchanged: 1, failed: 1, last: { at: 0, result: 'failed', problems: ['bad'] } };
    one.clock.advance(90_000);
    expect((await ask(one, '/healthz')).body).to.deep.include({
      generation: 3,
      uptimeSeconds: Math.round(one.clock.wallTime() / 1_000),
      reloads: {
        changed: 2,
        unchanged: 1,
        failed: 1,
        last: { at: '1970-01-01T00:00:00.000Z', result: 'failed', problems: ['bad'] },
      },
    });
  });

  it('shows listeners, clusters and the configuration, with what plugins add', async () => {
    const one = await begin(local);
    const listener = { name: 'inbound', protocol: 'http', direction: 'inbound', settings: {} } as const;
    one.sidecar.listeners = [{ ...listener, address, state: 'accepting', connections: 2 }];
    const endpoint = { address: '127.0.0.1:3000', weight: 1, requests: 4, streams: 5, metadata: { zone: 'a' } };
    const leaving = { address: '127.0.0.1:3', weight: 1, requests: 0, streams: 4, metadata: {}, leavesAt: 60_000 };
    one.sidecar.clusters = [
      { name: 'app', connector: 'tcp', endpoints: [endpoint], leaving: [leaving] } as unknown as Cluster,
    ];
    one.sidecar.adminDetails = [
      { endpoint: ({ weight }) => ({ health: weight > 0 ? 'up' : 'down' }) },
      { listener: ({ name }) => ({ tls: name === 'edge' }), cluster: () => ({ policy: 'first' }) },
    ];
    expect((await ask(one, '/listeners')).body.listeners).to.deep.equal([
      {
        name: 'inbound',
        protocol: 'http',
        direction: 'inbound',
        address: '10.0.0.7:4711',
        state: 'accepting',
        connections: 2,
        tls: false,
      },
    ]);
    expect((await ask(one, '/clusters')).body.clusters).to.deep.equal([
      {
        name: 'app',
        connector: 'tcp',
        requests: 4,
        streams: 9,
        out: 0,
        endpoints: [{ ...endpoint, health: 'up' }],
        leaving: [
          {
            address: '127.0.0.1:3',
            weight: 1,
            requests: 0,
            streams: 4,
            until: '1970-01-01T00:01:00.000Z',
            health: 'up',
          },
        ],
        policy: 'first',
      },
    ]);
    expect((await ask(one, '/config_dump')).body).to.deep.equal({
      generation: 3,
      configuration: { service: { name: 'chat' } },
    });
  });

  it('says of each value where it came from, and that a program made it where one did', async () => {
    const one = await begin(local);
    one.sidecar.reloads = {
      changed: 0,
      unchanged: 0,
      failed: 1,
      last: { at: 0, result: 'failed', problems: ['my files/o.yaml:3:9 a."b: c"[0]: is 5', 'it broke'] },
    };
    const problems = [
      { severity: 'error', at, origin: 'my files/o.yaml:3:9', path: 'a."b: c"[0]', message: 'is 5' },
      { severity: 'error', at, message: 'it broke' },
    ];
    expect((await ask(one, '/config_dump?origins')).body).to.deep.equal({
      generation: 3,
      configuration: { service: { name: 'chat' } },
      values: [{ path: 'service.name', value: 'chat', origin: 'program' }],
      problems,
    });
    const values = [{ path: 'service.name', value: 'chat', origin: 'o.yaml:1:2' }];
    one.sidecar.provenance = { values: async () => JSON.stringify(values), warnings: ['odd'] };
    const { body } = await ask(one, '/config_dump?origins');
    expect(body.values).to.deep.equal(values);
    expect(body.problems).to.deep.equal([{ severity: 'warning', message: 'odd' }, ...problems]);
  });

  it('lists the open sessions, those that are asked for, and as many as are asked for', async () => {
    const websocket = { lastByteAt: (side: string) => (side === 'upstream' ? 500 : 1_000), buffered: () => 0 };
    const open = [session('a'), session('b', { kind: 'websocket', websocket }), session('c', { attempts: [] })];
    const one = await begin(local, open);
    one.clock.advance(2_000 - one.clock.now());
    const { body } = await ask(one, '/sessions');
    expect([body.open, body.matching, body.sessions.length]).to.deep.equal([3, 3, 3]);
    expect(body.sessions[1]).to.deep.include({
      id: 'b',
      kind: 'websocket',
      peer: '10.0.0.7:4711',
      endpoint: '127.0.0.1:3000',
      idleSeconds: { downstream: 1, upstream: 1.5 },
    });
    const asked = async (query: string) =>
      (await ask(one, `/sessions?${query}`)).body.sessions.map(({ id }: { id: string }) => id);
    expect(await asked('kind=websocket')).to.deep.equal(['b']);
    expect(await asked('endpoint=127.0.0.1:3000&kind=http')).to.deep.equal(['a']);
    expect(await asked('limit=2')).to.deep.equal(['a', 'b']);
    expect((await ask(one, '/sessions?limit=many')).status).to.equal(400);
  });

  it('shows of a WebSocket what went and what waits, of an event stream how long it pauses', async () => {
    const carried = { bytesReceived: 10, bytesSent: 20, messagesReceived: 1, messagesSent: 2 };
    const websocket = {
      lastByteAt: (side: string) => (side === 'downstream' ? 1_000 : 4_000),
      buffered: (side: string) => (side === 'downstream' ? 7 : 0),
    };
    const one = await begin(local, [
      session('a', { kind: 'websocket', websocket, ...carried }),
      session('b', { eventStream: { lastByteAt: 2_500 }, ...carried }),
    ]);
    one.clock.advance(5_000);
    const [first, second] = (await ask(one, '/sessions')).body.sessions;
    expect(first).to.deep.include({
      bytes: { received: 10, sent: 20 },
      messages: { received: 1, sent: 2, total: 3 },
      idleSeconds: { downstream: 4, upstream: 1 },
      buffered: { downstream: 7, upstream: 0, total: 7 },
    });
    expect(second).to.deep.include({ eventStream: true, idleSeconds: 2.5, bytes: { received: 10, sent: 20 } });
    expect(second).to.not.have.property('messages');
  });

  it('ends a session by DELETE, with a code and a reason, and not for a page of another origin', async () => {
    const closed: unknown[][] = [];
    const close = (...args: unknown[]) => void closed.push(args);
    const one = await begin(local, [session('a b', { close }), session('c', { close })]);
    const remove = (path: string, headers = {}) => ask(one, path, { method: 'DELETE', headers });
    expect((await remove('/sessions/c', { origin: 'http://elsewhere' })).status).to.equal(403);
    expect((await remove('/sessions/d')).status).to.equal(404);
    expect((await remove('/sessions/%zz')).status).to.equal(404);
    for (const query of ['code=1006', 'code=99', 'code=x', `reason=${'ü'.repeat(62)}`])
      expect((await remove(`/sessions/c?${query}`)).status, query).to.equal(400);
    expect((await ask(one, '/sessions/c')).status).to.equal(405);
    expect(closed).to.deep.equal([]);
    expect((await remove('/sessions/c')).body).to.deep.equal({ status: 'closing', id: 'c' });
    expect((await remove('/sessions/a%20b?code=4000&reason=bye')).status).to.equal(202);
    expect(closed).to.deep.equal([
      ['admin-closed', 1001, 'admin-closed'],
      ['admin-closed', 4000, 'bye'],
    ]);
  });

  it('tells and changes the log level, by its name alone', async () => {
    const one = await begin(local);
    const set = (query: string) => ask(one, `/logging${query}`, { method: 'POST' });
    for (const [query, told] of [
      ['?level=loud', 'level is "loud"'],
      ['?level=', 'level is ""'],
      ['?level=INFO', 'level is "INFO"'],
      ['', 'level is missing'],
    ])
      expect(await set(query!)).to.deep.include({
        status: 400,
        body: { error: `${told}; expected one of debug, info, warn, error` },
      });
    expect((await ask(one, '/logging')).body).to.deep.equal({ level: 'info' });
    for (const level of ['debug', 'debug', 'error', 'warn'])
      expect(await set(`?level=${level}`)).to.deep.include({ status: 200, body: { level } });
    expect((await ask(one, '/logging')).body).to.deep.equal({ level: 'warn' });
    expect(one.logged).to.deep.equal(Array(3).fill('the log level was changed on the admin address'));
  });

  it('drains with the code that is asked for', async () => {
    const one = await begin(local);
    const drain = (query: string) => ask(one, `/drain${query}`, { method: 'POST' });
    expect((await drain('?code=1000')).status).to.equal(400);
    expect(one.sidecar.endsRequested).to.equal(0);
    expect((await drain('?code=1012')).status).to.equal(202);
    expect([one.sidecar.endsRequested, one.sidecar.closeCode]).to.deep.equal([1, 1012]);
  });

  it('drains by POST alone, and not for a page of another origin', async () => {
    const one = await begin(local);
    const own = `http://${one.sidecar.addresses.get('admin')}`;
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }])
      expect((await ask(one, '/drain', { method: 'POST', headers: headers as never })).status).to.equal(403);
    expect((await ask(one, '/drain')).status).to.equal(405);
    expect(one.sidecar.endsRequested).to.equal(0);
    expect((await ask(one, '/drain', { method: 'POST', headers: { origin: own } })).status).to.equal(202);
    expect((await ask(one, '/drain', { method: 'POST' })).status).to.equal(202);
    expect(one.sidecar.endsRequested).to.equal(2);
  });

  it('refuses a Host that is not its own', async () => {
    const one = await begin(local);
    const statuses = [
      '127.0.0.1',
      'localhost:80',
      '[::1]:9',
      'app.localhost',
      'evil.example',
      '127.0.0.1.evil.example',
    ].map((host) => askAs(one, host));
    expect(await Promise.all(statuses)).to.deep.equal([200, 200, 200, 200, 403, 403]);
  });

  it('answers 413 to a body over 64 KiB, and 500 where a route fails', async () => {
    const route: AdminRoute = {
      method: 'POST',
      path: '/echo/*',
      doc: '',
      serve: ({ body, path }) => {
        if (body === 'boom') throw new Error('it broke');
        return { body: `${path} ${body.length}` };
      },
    };
    const one = await begin(local, [], [route]);
    const post = (body: string) => ask(one, '/echo/x', { method: 'POST', body });
    expect((await post('x'.repeat(65_536))).body).to.equal('/echo/x 65536');
    expect((await post('x'.repeat(65_537))).status).to.equal(413);
    expect(await post('boom')).to.deep.include({ status: 500, body: { error: 'it broke' } });
  });

  it('has another address for probes, whatever their Host, with nothing else on it', async () => {
    const one = await begin({ admin: false, probes: { bind: '127.0.0.1:0' } });
    expect([...one.sidecar.addresses.keys()]).to.deep.equal(['probes']);
    for (const [path, status] of [
      ['/livez', 200],
      ['/readyz', 200],
      ['/sessions', 404],
      ['/', 404],
    ] as const)
      expect((await ask(one, path, { headers: { host: 'pod.example' } }, 'probes')).status).to.equal(status);
  });

  it('has a port of its own for probes where both take a free one, and keeps each through a reload', async () => {
    const settings = { admin: { bind: '127.0.0.1:0' }, probes: { bind: '127.0.0.1:0' } };
    const old = await begin(settings);
    const statuses = async (one: SetUp) => [
      (await ask(one, '/sessions')).status,
      (await ask(one, '/sessions', {}, 'probes')).status,
    ];
    expect(await statuses(old)).to.deep.equal([200, 404]);
    const next = await begin(settings);
    expect([...next.sidecar.addresses]).to.deep.equal([...old.sidecar.addresses]);
    await old.stop();
    expect(await statuses(next)).to.deep.equal([200, 404]);
  });

  it('gives way where another sidecar has the default address, and only there', async () => {
    using other = await takenPort();
    const bind = `127.0.0.1:${other.port}`;
    const taken = setUp({ admin: { bind } });
    const failure = await taken.start().then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).to.equal(`${bind} is in use`);

    const second = setUp({ admin: { bind } });
    await new Admin({ admin: { bind } }, second.sidecar, second.logger, second.clock, bind).start();
    expect(second.logged).to.deep.equal([`no admin address: ${bind} is in use; set admin.bind, or admin: false`]);
    expect([...second.sidecar.addresses]).to.deep.equal([]);
  });

  it('is handed from one instance of the plugin to the next without closing', async () => {
    const bind = '127.0.0.1:0';
    const old = await begin({ admin: { bind } });
    const next = await begin({ admin: { bind }, probes: false });
    next.sidecar.generation = 8;
    expect(next.sidecar.addresses.get('admin')).to.equal(old.sidecar.addresses.get('admin'));
    await old.stop();
    expect((await ask(next, '/config_dump')).body.generation).to.equal(8);
  });
});
