import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CAUSES, definePlugin, type Plugin, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { frame } from '../../../test/support/frames.ts';
import { endPrograms, sidecarOn } from '../../../test/support/program.ts';
import { exchange, RawClient, statusOf } from '../../../test/support/raw-client.ts';
import { Scratch, shortest } from '../../../test/support/scratch.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../../../test/support/sidecar.ts';
import { httpUpstream, type Upstream } from '../../../test/support/upstreams.ts';
import { eventually, turns } from '../../../test/support/virtual-time.ts';
import { WebSocketPair } from '../../../test/support/websocket-pair.ts';
import { FIELDS } from '../src/entry.ts';
import accessLog, { type AccessLogSettings } from '../src/index.ts';
import { LineBuffer } from '../src/line-buffer.ts';
import { FLAGS } from '../src/response-flags.ts';

type Line = Readonly<Record<string, unknown>>;

const DEFAULTS: AccessLogSettings = {
  path: 'off',
  format: 'json',
  query: false,
  sample: 1,
  websocket: { start: true, every: Number.POSITIVE_INFINITY },
};
const withSettings = (settings: Partial<AccessLogSettings>): Plugin =>
  definePlugin({ name: 'access-log', bind: (bind) => accessLog.bind(bind, { ...DEFAULTS, ...settings }) });
const request = (head: string, more = '') => `${head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`;

describe('the access log', () => {
  const scratch = new Scratch();
  let upstream: Upstream;
  let sidecar: TestSidecar | undefined;
  let files = 0;
  let path: string;
  before(async () => {
    upstream = await httpUpstream((_request, response) => response.end('good'));
  });
  beforeEach(() => {
    path = join(scratch.folder, `${files++}.log`);
  });
  afterEach(async () => {
    await sidecar?.stop();
    sidecar = undefined;
    await endPrograms();
  });
  after(async () => {
    await upstream.stop();
    scratch.remove();
  });

  const start = async (settings: Partial<AccessLogSettings>, options: Partial<SidecarOptions> = {}) => {
    const { plugins = [], ...rest } = options;
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      plugins: [...plugins, withSettings({ path, ...settings })],
      ...rest,
    });
    return sidecar;
  };
  const textAfterStop = async () => {
    await sidecar!.stop();
    sidecar = undefined;
    return readFileSync(path, 'utf8');
  };
  const parsed = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);

  it('has one JSON line for each session, with what is known of it', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const { port } = await start({});
    for (let i = 0; i < 3; i++) {
      const head = `user-agent: a"b\\\x85\r\ntraceparent: 00-${trace}-b7ad6b7169203331-01\r\n`;
      expect(statusOf(await exchange(port, request(`GET /p/${i}?secret=1`, head)))).to.equal(200);
    }
    const text = await textAfterStop();
    expect(text).to.match(/^[\x20-\x7e\n]*$/);
    const lines = parsed(text);
    expect(lines.map(({ path }) => path)).to.deep.equal(['/p/0', '/p/1', '/p/2']);
    expect(new Set(lines.map(({ session }) => session)).size).to.equal(3);
    const { time, session, peer, durationMs, headMs, bytesReceived, bytesSent, ...rest } = lines[0]!;
    expect(rest).to.deep.equal({
      event: 'end',
      kind: 'http',
      trace,
      listener: 'inbound',
      client: '127.0.0.1',
      method: 'GET',
      host: 'a',
      path: '/p/0',
      protocol: 'HTTP/1.1',
      status: 200,
      route: 'inbound[0]',
      cluster: 'app',
      endpoint: upstream.address,
      attempts: 1,
      userAgent: 'a"b\\\x85',
      cause: 'complete',
      initiator: 'downstream',
      generation: 1,
    });
    expect(new Date(time as string).toISOString()).to.equal(time);
    expect(session).to.match(/^[0-9a-f]{32}$/);
    expect(peer).to.match(/^127\.0\.0\.1:\d+$/);
    expect(headMs).to.be.within(0, durationMs as number);
    expect(bytesReceived).to.be.above(50);
    expect(bytesSent).to.be.above(50);
  });

  it('writes what a template asks for; what is not known is -, and no value ends a line or its quotes', async () => {
    const { port } = await start({
      format: '{client} "{method} {path}?{query}" {status} [{userAgent}] {plugin} {flags}',
    });
    await exchange(port, request('GET /a?b=c', 'user-agent: x" 200 "y\tz\r\n'));
    await exchange(port, request('GET /a'));
    expect(await textAfterStop()).to.equal(
      '127.0.0.1 "GET /a?b=c" 200 [x\\" 200 \\"y\\tz] - -\n127.0.0.1 "GET /a?-" 200 [-] - -\n',
    );
  });

  it('says why a session failed, in our words and by the letters of Envoy', async () => {
    const { port } = await start({ query: true }, { endpoints: ['127.0.0.1:1'] });
    expect(statusOf(await exchange(port, request('GET /x?y=1')))).to.equal(502);
    const [line] = parsed(await textAfterStop());
    expect(line).to.include({ status: 502, cause: 'connect-refused', initiator: 'upstream', query: 'y=1' });
    expect(line!['flags']).to.match(/^UF(,URX)?$/);
  });

  it('samples those that end well, and has all others', async () => {
    const { port } = await start({ sample: 0 });
    for (let i = 0; i < 8; i++) await exchange(port, request('GET /none'));
    await sidecar!.stop();
    await start({ sample: 0 }, { endpoints: ['127.0.0.1:1'] });
    await exchange(sidecar!.port, request('GET /failed'));
    await sidecar!.stop();
    await start({ sample: 0.5 });
    for (let i = 0; i < 64; i++) await exchange(sidecar!.port, request('GET /half', `x-request-id: id-${i}\r\n`));
    const paths = parsed(await textAfterStop()).map((line) => line['path']);
    expect(paths[0]).to.equal('/failed');
    expect(paths.slice(1).every((path) => path === '/half')).to.equal(true);
    expect(paths.length).to.be.within(16, 48);
  });

  it('has a line for a WebSocket at its start, every so often, and at its end', async () => {
    const clock = new VirtualClock();
    const pair = new WebSocketPair(clock);
    await pair.open({}, { plugins: [withSettings({ path, websocket: { start: true, every: 60_000 } })] });
    pair.send('downstream', frame(1, 'hello', { masked: true }));
    await eventually(() => pair.session.messagesReceived === 1);
    for (let passed = 0; passed < 130_000; passed += 100) clock.advance(100);
    pair.send('downstream', frame(8, Buffer.from([3, 233]), { masked: true }));
    await eventually(() => pair.at('upstream').length > 15);
    pair.send('upstream', frame(8, Buffer.from([3, 233])));
    await eventually(() => pair.books.outcomes.length === 1);
    await pair.close();
    const lines = parsed(readFileSync(path, 'utf8'));
    expect(lines.map(({ event }) => event)).to.deep.equal(['start', 'open', 'open', 'end']);
    expect(new Set(lines.map(({ session }) => session)).size).to.equal(1);
    for (const line of lines) expect(line).to.include({ kind: 'websocket', status: 101, path: '/ws' });
    expect(lines[0]).to.include({ messagesReceived: 0 }).and.not.to.have.property('cause');
    expect(lines[1]!['durationMs']).to.be.within(60_000, 60_300);
    expect(lines[1]).to.include({ messagesReceived: 1 });
    expect(lines[3]).to.include({ cause: 'complete', codeFromClient: 1001, codeToEndpoint: 1001, messagesReceived: 1 });
  });

  it('opens its file again when a reload is asked for', async () => {
    const { port, reload } = await start({});
    await exchange(port, request('GET /before'));
    await eventually(() => readFileSync(path, 'utf8') !== '');
    renameSync(path, `${path}.1`);
    await reload({ endpoints: [upstream.address] });
    await exchange(port, request('GET /behind'));
    expect(parsed(await textAfterStop()).map((line) => line['path'])).to.deep.equal(['/behind']);
    expect(readFileSync(`${path}.1`, 'utf8')).to.include('"/before"');
  });

  it('fails the start where its file cannot be opened, and says what to do', async () => {
    path = join(scratch.folder, 'missing', 'a.log');
    await start({}).then(
      () => expect.fail('it started'),
      (error: Error) => expect(error.message).to.match(/cannot be written to .*a\.log: ENOENT.*make its folder/),
    );
  });

  it('goes to standard output, whole and alone there, with the traces that are recorded', async () => {
    const traced = await httpUpstream((request, response) => response.end(request.headers['traceparent']));
    const more = `plugins:
  - tracing: { sampling: 1, endpoint: "http://127.0.0.1:1" }
  - access-log: { path: stdout }
`;
    const program = sidecarOn(scratch.write('out.yaml', shortest([traced.address], more)));
    const port = await program.port();
    const traces: string[] = [];
    for (let i = 0; i < 20; i++) {
      const answer = await exchange(port, request(`GET /${i}`));
      traces.push(/00-([0-9a-f]{32})-[0-9a-f]{16}-01$/m.exec(answer)![1]!);
    }
    await program.until(({ stdout }) => stdout.split('\n').length > 20);
    program.kill('SIGTERM');
    await program.exit;
    await traced.stop();
    const lines = parsed(program.stdout);
    expect(lines.map((line) => line['path'])).to.deep.equal(traces.map((_, i) => `/${i}`));
    expect(lines.map(({ trace }) => trace)).to.deep.equal(traces);
  });

  it('holds up no traffic where nobody reads standard output, and counts what is lost', async () => {
    const more = 'plugins: [{ access-log: { path: stdout } }]\n';
    const program = sidecarOn(scratch.write('stuck.yaml', shortest([upstream.address], more)));
    const port = await program.port();
    program.process.stdout!.pause();
    const client = await RawClient.connect(port);
    // Of some 10 KB each, so that a few hundred fill the pipe and both buffers.
    const agent = 'x'.repeat(10_000);
    const count = 500;
    for (let i = 0; i < count; i++) {
      client.send(`GET /${i} HTTP/1.1\r\nHost: a\r\nuser-agent: ${agent}\r\n\r\n`);
      await client.until((text) => text.split('HTTP/1.1 200').length > i + 1);
    }
    client.destroy();
    const losses = program.log.filter(({ msg }) => msg === 'lines of the access log are lost');
    expect(losses).to.have.length(1);
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const metrics = await (await fetch(`http://${admin}/metrics`)).text();
    const dropped = Number(/outrigger_access_log_lines_dropped_total\{reason="full"\} (\d+)/.exec(metrics)?.[1]);
    expect(dropped).to.be.within(count / 4, count - 100);
    program.process.stdout!.resume();
    program.kill('SIGTERM');
    await program.exit;
    expect(parsed(program.stdout).length).to.equal(count - dropped);
  });

  it('costs nothing while it is off: no hook, no life cycle', () => {
    const bound: unknown[] = [];
    accessLog.bind((token) => bound.push(token) as never, DEFAULTS);
    expect(bound).to.deep.equal([]);
  });

  it('refuses a template that cannot be', () => {
    const format = (accessLog.config!.format as unknown as { format: (value: unknown) => void }).format;
    expect(() => format('{stauts}')).to.throw('{stauts} is not a field; there are time, event');
    expect(() => format('{constructor}')).to.throw('is not a field');
    expect(() => format('plain')).to.throw('with fields in braces');
    expect(() => format('{status}\n')).to.throw('must not have line ends');
    format('{client} {status}');
  });
});

describe("Envoy's letters", () => {
  const KNOWN = 'UH UF UO NR URX NC DT DC LH UT LR UR UC DI FI RL UAEX RLSE IH SI DPE UPE UMSDR OM DF'.split(' ');

  it('are known ones for every cause but the ordinary end', () => {
    expect(Object.keys(FLAGS).sort()).to.deep.equal(Object.keys(CAUSES).sort());
    for (const [cause, flag] of Object.entries(FLAGS)) {
      if (cause === 'complete') expect(flag).to.equal('');
      else expect(KNOWN, cause).to.include(flag);
    }
  });
});

describe('the buffer of lines', () => {
  const counted: string[] = [];
  const warnings: string[] = [];
  const metrics = {
    counter: () => ({ with: (reason: string) => ({ add: (n = 1) => void counted.push(`${reason} ${n}`) }) }),
  };
  const logger = { warn: (_: string, { why }: { why: string }) => void warnings.push(why) };

  it('writes a turn of the event loop at once, counts what a failed write loses, and tells it once', async () => {
    const writes: { text: string; done: (error?: Error) => void }[] = [];
    const target = { name: 't', write: (text: string, done: () => void) => void writes.push({ text, done }) };
    const buffer = new LineBuffer(target as never, logger as never, metrics as never);
    buffer.add('a\n');
    buffer.add('b\n');
    expect(writes).to.have.length(0);
    await turns(2);
    buffer.add('c\n');
    expect(writes.map(({ text }) => text)).to.deep.equal(['a\nb\n']);
    writes[0]!.done(new Error('disk full'));
    expect(writes.map(({ text }) => text)).to.deep.equal(['a\nb\n', 'c\n']);
    writes[1]!.done(new Error('disk full'));
    await buffer.empty();
    expect(counted).to.deep.equal(['failed 2', 'failed 1']);
    expect(warnings).to.deep.equal(['disk full']);
    buffer.add('d\n');
    await turns(2);
    writes[2]!.done();
    buffer.add('e\n');
    await turns(2);
    writes[3]!.done(new Error('again'));
    expect(warnings).to.deep.equal(['disk full', 'again']);
  });
});

describe('docs/access-log.md', () => {
  const page = readFileSync(new URL('../../../docs/access-log.md', import.meta.url), 'utf8');

  it('has every field, in its table and in its example', () => {
    const table = page.slice(page.indexOf('## Fields'), page.indexOf("## Envoy's letters"));
    const rows = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) => names!.match(/\w+/g)!);
    expect(rows.sort()).to.deep.equal(Object.keys(FIELDS).sort());
    const example = JSON.parse(/```json\n(.*)\n```/.exec(page)![1]!) as Line;
    const order = Object.keys(FIELDS);
    expect(Object.keys(example)).to.deep.equal(order.filter((name) => name in example));
  });

  it('has the flag of every cause', () => {
    const rows = new Map(
      [...page.matchAll(/^\| `([A-Z]+)` \| [^|]+ \| (.*) \|$/gm)].map(([, flag, causes]) => [flag, causes]),
    );
    for (const [cause, flag] of Object.entries(FLAGS))
      if (flag !== '') expect(rows.get(flag), cause).to.include(`\`${cause}\``);
  });
});
