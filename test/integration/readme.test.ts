import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { endPrograms, OUTRIGGER, Program, runToEnd, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { read } from '../support/tree.ts';
import { echoMessages, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

/** The fenced blocks of README.md, in order. */
const blocks = [...read('README.md').matchAll(/^```(\w+)\n([\s\S]+?)^```$/gm)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));
const only = (language: string, beginning: string): string => {
  const found = blocks.filter((block) => block.language === language && block.text.includes(beginning));
  expect(found.length, `blocks of ${language} with ${beginning}`).to.equal(1);
  return found[0]!.text;
};
const codeLines = (text: string) => text.split('\n').filter((line) => line.trim() !== '' && !/^(#|\/\/)/.test(line));

describe('README.md', () => {
  const scratch = new Scratch();
  const configuration = only('yaml', 'listeners:');
  let upstreams: (Upstream & { readonly sockets: Set<WebSocket> })[];
  before(async () => {
    upstreams = await Promise.all([webSocketUpstream(echoMessages), webSocketUpstream(echoMessages)]);
  });
  afterEach(endPrograms);
  after(async () => {
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    scratch.remove();
  });
  /** The README's ports, on free ones. */
  const moved = () => [
    '--set',
    'listeners.inbound.bind=127.0.0.1:0',
    '--set',
    `clusters.app.endpoints=${JSON.stringify(upstreams.map(({ address }) => address))}`,
  ];
  const carriesTraffic = async (port: number) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.text()]).to.deep.equal([200, 'plain']);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).to.equal('hello');
    socket.terminate();
  };

  it('begins with what it is, and the two commands', () => {
    expect(read('README.md')).to.match(/^# Outrigger\n\nOutrigger is the service-mesh sidecar /);
    expect(blocks[0]).to.deep.equal({ language: 'sh', text: 'npm start\nnpm test\n' });
  });

  it('shows a configuration of at most five lines that is valid as it stands', async () => {
    expect(codeLines(configuration).length).to.be.at.most(5);
    const file = scratch.write('outrigger.yaml', configuration);
    const { code, stderr } = await runToEnd(['check', '-c', file]);
    expect([code, stderr]).to.deep.equal([0, '']);
  });

  it('shows a configuration that carries HTTP and WebSocket', async () => {
    const program = sidecarOn(scratch.write('outrigger.yaml', configuration), moved());
    await carriesTraffic(await program.port());
    expect(upstreams.map(({ connections }) => connections)).to.deep.equal([1, 1]);
  });

  it('shows a command without a file that carries HTTP and WebSocket', async () => {
    const [, command] = /`npx outrigger (run --listen [^`]+)`/.exec(read('README.md'))!;
    const [one, two] = upstreams.map(({ address }) => address);
    const args = command!
      .replace('127.0.0.1:8080', '127.0.0.1:0')
      .replace('127.0.0.1:3000', one!)
      .replace('127.0.0.1:3001', two!)
      .split(' ');
    expect(args).to.include(`${one},${two}`);
    const program = new Program(process.execPath, [OUTRIGGER, ...args, '--set', 'admin.bind=127.0.0.1:0']);
    await carriesTraffic(await program.port());
  });

  it('shows a plugin of at most fifteen lines that answers 403, or lets pass, from a folder of its own', async () => {
    const plugin = only('ts', 'export default definePlugin');
    expect(codeLines(plugin).length).to.be.at.most(15);
    const [, name] = /^\/\/ (\S+\.ts)$/m.exec(plugin)!;
    scratch.write(name!, plugin);
    const file = scratch.write('with-plugin.yaml', `${configuration}${only('yaml', 'plugins:')}`);
    const program = sidecarOn(file, moved());
    const url = `http://127.0.0.1:${await program.port()}/`;
    const refused = await fetch(url);
    expect(refused.status).to.equal(403);
    expect(await refused.text()).to.include('missing x-tenant');
    expect((await fetch(url, { headers: { 'X-Tenant': 'a' } })).status).to.equal(200);
    const socket = new WebSocket(url.replace('http', 'ws'));
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).to.equal(403);
    const welcome = new WebSocket(url.replace('http', 'ws'), { headers: { 'x-tenant': 'a' } });
    await once(welcome, 'open');
    welcome.terminate();
  });

  it('shows a command that exports the spans of a request', async () => {
    const [, variable] = /`(OTEL_\w+)=http:\/\/localhost:4318 npx outrigger -c outrigger\.yaml`/.exec(
      read('README.md'),
    )!;
    const collector = new OtlpCollector();
    const url = await collector.listen();
    try {
      const program = sidecarOn(scratch.write('outrigger.yaml', configuration), moved(), {
        env: { [variable!]: url, OTEL_BSP_SCHEDULE_DELAY: '50' },
      });
      await carriesTraffic(await program.port());
      // 2: SERVER, 3: CLIENT.
      const has = (kind: number) => collector.spans.some((span) => span.kind === kind);
      while (!(has(2) && has(3))) await collector.received(collector.exports.length + 1);
    } finally {
      await collector.close();
    }
  });

  it('has no block that no test runs', () => {
    const run = [
      'npm start\nnpm test\n',
      configuration,
      only('ts', 'export default definePlugin'),
      only('yaml', 'plugins:'),
      // sidecar/test/start.test.ts runs it.
      only('sh', 'npm start -- -c outrigger.yaml'),
    ];
    expect(blocks.map(({ text }) => text).filter((text) => !run.includes(text))).to.deep.equal([]);
  });
});
