import { expect } from 'chai';
import { outrigger, Program, ROOT, runToEnd, sidecarOn } from '../../test/support/program.ts';
import { scratchForPrograms, shortest } from '../../test/support/scratch.ts';
import { takenPort } from '../../test/support/taken-port.ts';
import { echoUpstream } from '../../test/support/upstreams.ts';
import { readArguments, UsageError } from '../src/arguments.ts';

describe('the command line', () => {
  const scratch = scratchForPrograms();

  for (const args of [['--help'], []]) {
    it(`shows its help, on one screen of a terminal, for "${['outrigger', ...args].join(' ')}"`, async () => {
      const { code, stdout, stderr } = await runToEnd(args);
      expect(code).to.equal(0);
      expect(stderr).to.equal('');
      const lines = stdout.trimEnd().split('\n');
      // 24 lines, of which the shell's next prompt takes one.
      expect(lines.length).to.be.within(10, 23);
      expect(lines.filter((line) => line.length > 80)).to.deep.equal([]);
      for (const word of ['run', 'check', 'explain', 'demo', '-c', '--listen', '--to', '--set', 'Exit codes'])
        expect(stdout).to.include(word);
    });
  }

  it('tells its version and that of Node', async () => {
    const { code, stdout, stderr } = await runToEnd(['--version']);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/^outrigger \d+\.\d+\.\d+ \(Node (2[4-9]|[3-9]\d)\.\d+\.\d+\)\n$/);
  });

  for (const [args, about] of [
    [['-h'], undefined],
    [['help'], undefined],
    [['help', 'check'], 'check'],
    [['run', '--help'], 'run'],
    [['check', '-h'], 'check'],
  ] as const) {
    it(`asks for the help with "outrigger ${args.join(' ')}", too`, () => {
      expect(readArguments(args)).to.deep.equal({ command: 'help', about });
    });
  }

  for (const args of [['-v'], ['version']]) {
    it(`asks for the version with "outrigger ${args.join(' ')}", too`, () => {
      expect(readArguments(args)).to.deep.equal({ command: 'version' });
    });
  }

  const usage: readonly (readonly [title: string, args: readonly string[], message: RegExp])[] = [
    ['a command that is not there', ['runn'], /no command "runn"; did you mean "run"\?/],
    ['an option that is not there', ['run', '--lisen', 'a'], /no option --lisen; did you mean --listen\?/],
    ['a file without -c', ['run', 'a.yaml'], /one argument too many; a file is given as -c a\.yaml/],
    ['run on nothing', ['run'], /needs -c FILE, or --listen ADDR --to ADDR/],
    ['check on nothing', ['check'], /check needs -c FILE/],
    ['a file and addresses', ['-c', 'a.yaml', '--listen', '127.0.0.1:0'], /exclude each other/],
    ['--listen without --to', ['--listen', '127.0.0.1:0'], /--listen needs --to/],
    ['--to without --listen', ['--to', '127.0.0.1:1'], /--to needs --listen/],
    ['an option without its value', ['-c'], /-c/],
    ['an unknown level', ['-c', 'a.yaml', '--log-level', 'loud'], /"loud"; expected one of debug, info, warn, error/],
    ['an option of another command', ['check', '-c', 'a.yaml', '--log-level', 'info'], /check takes no --log-level/],
  ];
  for (const [title, args, message] of usage) {
    it(`says what is wrong on ${title}`, () => {
      expect(() => readArguments(args)).to.throw(UsageError, message);
    });
  }

  it('ends with 2 on a usage that it does not understand, and points to the help', async () => {
    const { code, stdout, stderr } = await runToEnd(['runn']);
    expect([code, stdout]).to.deep.equal([2, '']);
    expect(stderr).to.equal('outrigger: there is no command "runn"; did you mean "run"?\nTry outrigger --help\n');
  });

  describe('on a configuration with problems', () => {
    const text = `listeners:
  inbound: { protocol: http, bnd: "127.0.0.1:0", cluster: ap }
clusters:
  app: { endpoints: ["127.0.0.1:3000", "nonsense"], timeouts: { connect: 5 parsecs } }
plugins:
  - ./missing.ts
`;

    for (const command of ['check', 'run']) {
      it(`${command} ends with 78 and tells each on a line of its own, with its place`, async () => {
        const file = scratch.write('problems.yaml', text);
        const { code, stdout, stderr } = await runToEnd([command, '-c', file]);
        expect([code, stdout]).to.deep.equal([78, '']);
        const lines = stderr.trimEnd().split('\n');
        expect(lines.filter((line) => !/problems\.yaml:\d+:\d+ \S+: ./.test(line))).to.deep.equal([]);
        const at = (place: string) => lines.find((line) => line.includes(`problems.yaml:${place} `)) ?? stderr;
        expect(at('2:30')).to.match(/listeners\.inbound\.bnd: .*did you mean "bind"\?/);
        expect(at('2:60')).to.match(/listeners\.inbound\.cluster: .*did you mean "app"\?/);
        expect(at('4:39')).to.match(/clusters\.app\.endpoints\[1\]: /);
        expect(at('4:75')).to.match(/clusters\.app\.timeouts\.connect: /);
        expect(at('6:5')).to.match(/plugins\[0\].*: .*missing\.ts/);
      });
    }

    it('a file that is not there, and one that is no YAML, are such problems', async () => {
      const missing = await runToEnd(['check', '-c', `${scratch.folder}/absent.yaml`]);
      expect([missing.code, missing.stderr.split('\n').length]).to.deep.equal([78, 3]);
      expect(missing.stderr).to.match(/absent\.yaml:1:1: /);
      const file = scratch.write('broken.yaml', 'listeners: [\n  a: {\n');
      const broken = await runToEnd(['check', '-c', file]);
      expect(broken.code).to.equal(78);
      expect(broken.stderr).to.match(/^\S*broken\.yaml:\d+:\d+: /);
    });

    it('addresses of --listen and --to are checked with the flag as their place', async () => {
      const { code, stderr } = await runToEnd(['--listen', 'here', '--to', '127.0.0.1:1,there']);
      expect(code).to.equal(78);
      expect(stderr).to.match(/^--listen:1:1 listeners\.inbound\.bind: /m);
      expect(stderr).to.match(/^--to:1:13 clusters\.app\.endpoints\[1\]: /m);
    });

    it('a wrong --set is told with the number of the flag', async () => {
      const file = scratch.write('good.yaml', shortest(['127.0.0.1:1']));
      const { code, stderr } = await runToEnd([
        'check',
        '-c',
        file,
        '--set',
        'service.name=a',
        '--set',
        'listeners.inbound.protocl=http',
      ]);
      expect(code).to.equal(78);
      expect(stderr).to.match(/^--set:2:\d+ listeners\.inbound\.protocl: .*did you mean "protocol"\?\n$/);
    });
  });

  it('check says that a good file is valid, and listens on nothing', async () => {
    const file = scratch.write('good.yaml', shortest(['127.0.0.1:1']));
    const { code, stdout, stderr } = await runToEnd([
      'check',
      '-c',
      file,
      '--set',
      'listeners.inbound.bind=192.0.2.1:80',
    ]);
    expect([code, stdout.split('\n')[0], stderr]).to.deep.equal([0, `${file} is valid`, '']);
  });

  it('run ends with 1 where an address is in use, and names it', async () => {
    using taken = await takenPort();
    const file = scratch.write('good.yaml', shortest(['127.0.0.1:1']));
    const program = sidecarOn(file, ['--set', `listeners.inbound.bind=127.0.0.1:${taken.port}`]);
    expect(await program.exit).to.deep.equal({ code: 1, signal: null });
    expect(program.log.at(-1)).to.include({ level: 'error', msg: 'the start failed' });
    expect(program.log.at(-1)!['error']).to.match(new RegExp(`127\\.0\\.0\\.1:${taken.port}.*(in use|EADDRINUSE)`));
    expect(program.stderr).not.to.include('"ready"');
  });

  it('writes the ready line as JSON on standard error, with the real ports, and nothing on standard output', async () => {
    const file = scratch.write(
      'two.yaml',
      `listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }
  outbound: { protocol: http, direction: outbound, bind: "[::1]:0", cluster: app }
clusters:
  app: { endpoints: ["127.0.0.1:1"] }
`,
    );
    const program = sidecarOn(file);
    const ready = await program.logged('ready');
    expect(Object.keys(ready).filter((field) => field !== 'admin')).to.deep.equal([
      'level',
      'msg',
      'listeners',
      'time',
    ]);
    expect(ready.level).to.equal('info');
    const { inbound, outbound } = ready['listeners'] as { inbound: string; outbound: string };
    expect(inbound).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
    expect(outbound).to.match(/^\[::1\]:[1-9]\d+$/);
    for (const address of [inbound, outbound]) expect((await fetch(`http://${address}/`)).status).to.equal(502);
    expect(program.stdout).to.equal('');
  });

  it('carries traffic with --listen and --to alone', async () => {
    const upstreams = await Promise.all([echoUpstream(), echoUpstream()]);
    const to = upstreams.map(({ address }) => address).join(',');
    const program = outrigger(['run', '--listen', '127.0.0.1:0', '--to', to, '--set', 'admin.bind=127.0.0.1:0']);
    const port = await program.port();
    for (const path of ['/one', '/two']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(((await response.json()) as { url: string }).url).to.equal(path);
    }
    expect(upstreams.map(({ connections }) => connections)).to.deep.equal([1, 1]);
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  });

  it('starts where a name does not resolve: it answers 503, and warns', async () => {
    const file = scratch.write('nowhere.yaml', shortest(['nowhere.invalid:3000']));
    const program = sidecarOn(file);
    const port = await program.port();
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).to.equal(503);
    expect(await response.text()).to.match(/^no-endpoint/);
    const warning = await program.until(({ log }) => log.find(({ level }) => level === 'warn'));
    expect(warning).to.include({ cluster: 'app' });
    expect(warning['error']).to.include('nowhere.invalid');
  });

  it('takes what a file leaves open from the environment, and a flag before both', async () => {
    const file = scratch.write('open.yaml', shortest([`$\{NOBODY_SETS_THIS}`]));
    const check = (env: Record<string, string>, ...more: string[]) => runToEnd(['check', '-c', file, ...more], { env });
    const [unset, set, flag] = await Promise.all([
      check({}),
      check({ NOBODY_SETS_THIS: '127.0.0.1:1' }),
      check({ NOBODY_SETS_THIS: '127.0.0.1:1' }, '--set', 'clusters.app.endpoints[0]=nonsense'),
    ]);
    expect([unset.code, set.code, flag.code]).to.deep.equal([78, 0, 78]);
    expect(unset.stderr).to.match(/open\.yaml:4:\d+.*NOBODY_SETS_THIS/);
    expect(flag.stderr).to.match(/^--set:1:\d+ clusters\.app\.endpoints\[0\]: /);
  });

  it('runs from any folder: paths in a configuration are relative to the file', async () => {
    scratch.write('deep/plugin.ts', "export default { name: 'quiet', bind() {} };\n");
    scratch.write('deep/here.yaml', `${shortest(['127.0.0.1:1'])}plugins: [./plugin.ts]\n`);
    const { code, stderr } = await runToEnd(['check', '-c', 'deep/here.yaml'], { cwd: scratch.folder });
    expect([code, stderr]).to.deep.equal([0, '']);
  });

  it('is what npm links', async () => {
    const program = new Program(`${ROOT}/node_modules/.bin/outrigger`, ['--version']);
    expect((await program.exit).code).to.equal(0);
    expect(program.stdout).to.match(/^outrigger /);
  });
});
