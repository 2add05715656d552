import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { endPrograms, sidecarOn } from '../../test/support/program.ts';
import { Scratch, shortest } from '../../test/support/scratch.ts';
import { ConfigurationError } from '../src/configuration-error.ts';
import { READ_LIMIT_MS, reread } from '../src/reread.ts';

/** A plugin of one setting, which is `made` where the file does not say. */
const plugin = (made: string, more: string) => `import { isMainThread } from 'node:worker_threads';
import { definePlugin } from '@outrigger/core';
${more}
const made = ${made};
export default definePlugin({
  name: 'odd',
  config: { of: { doc: 'Anything.', format: 'any', default: made } },
  bind() {},
});
`;

/** A file that is large enough for a thread, with that plugin. */
const LARGE = `listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
${Array.from({ length: 1_000 }, (_, i) => `      - { match: { path: /before/${i} }, cluster: app }\n`).join('')}clusters:
  app: { endpoints: ["127.0.0.1:1"] }
plugins:
  - ./odd.ts
`;

describe('a large file that is read anew', () => {
  let scratch: Scratch;
  let clock: VirtualClock;
  beforeEach(() => {
    clock = new VirtualClock();
    scratch = new Scratch();
  });
  afterEach(async () => {
    await endPrograms();
    scratch.remove();
  });

  const read = (made: string, more = '', told?: (place: string) => void) => {
    scratch.write('odd.ts', plugin(made, more));
    return reread({ file: scratch.write('large.yaml', LARGE), set: [] }, clock, told);
  };
  const failureOf = async (more: string): Promise<Error> => {
    try {
      await read('7', more);
    } catch (error) {
      return error as Error;
    }
    throw new Error('it was taken');
  };

  it('is read in a thread, and is here what it was there', async () => {
    const { configuration, plugins } = await read(
      '{ isMainThread, pattern: /x/u, at: new Date(7), map: new Map([[1, [2]]]) }',
    );
    expect(configuration.listeners[0]!.routes).to.have.length(1_000);
    expect(plugins.find(({ plugin: { name } }) => name === 'odd')!.settings).to.deep.equal({
      of: { isMainThread: false, pattern: /x/u, at: new Date(7), map: new Map([[1, [2]]]) },
    });
  });

  it('is refused where a plugin ends the thread', async () => {
    const { message } = await failureOf('if (!isMainThread) process.exit(3);');
    expect(message).to.match(/ended with exit code 3 before .* process\.exit/);
  });

  it('is refused where a plugin never comes to its end', async () => {
    const { message } = await failureOf('await new Promise(() => {});');
    expect(message).to.match(/ended with exit code 13 before .* awaits what never comes/);
  });

  it('leaves nothing but the log on standard error where a plugin never comes to its end', async () => {
    scratch.write('odd.ts', plugin('7', 'if (!isMainThread) await new Promise(() => {});'));
    const program = sidecarOn(scratch.write('large.yaml', LARGE));
    await program.logged('ready');
    program.kill('SIGHUP');
    const { problems } = await program.logged('the reload failed; the configuration in force stays');
    expect(String(problems)).to.match(/ended with exit code 13/);
    program.kill('SIGTERM');
    await program.exit;
    expect(program.stderr.split('\n').filter((line) => !line.startsWith('{'))).to.deep.equal(['']);
  });

  for (const [how, more] of [
    ['awaits', 'await new Promise(() => setInterval(() => {}, 1_000));'],
    ['loops', 'if (!isMainThread) for (;;);'],
  ] as const)
    it(`is given up after a minute where a plugin ${how} for ever, and the next one is read`, async () => {
      const begun = Promise.withResolvers<string>();
      const failure = read('7', more, begun.resolve).then(
        () => new Error('it was taken'),
        (error: Error) => error,
      );
      await begun.promise;
      clock.advance(READ_LIMIT_MS - 1);
      clock.advance(1);
      const error = await failure;
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message.replaceAll(`${scratch.folder}/`, '')).to.equal(
        'large.yaml:1009:5 plugins[0]: plugin odd.ts was not read within 60 s; look for a plugin whose module loops, or awaits what never comes',
      );
      expect((await read('8')).plugins.some(({ plugin: { name } }) => name === 'odd')).to.equal(true);
    });

  it('is given up as well where the file is small', async () => {
    scratch.write('odd.ts', plugin('7', 'await new Promise(() => {});'));
    const begun = Promise.withResolvers<string>();
    const source = { text: `${shortest([])}plugins: [${scratch.folder}/odd.ts]\n`, set: [] };
    const failure = reread(source, clock, begun.resolve).catch((error: Error) => error.message);
    await begun.promise;
    clock.advance(READ_LIMIT_MS);
    expect(await failure).to.match(/^outrigger\.yaml:5:11 plugins\[0\]: plugin .*odd\.ts was not read within 60 s;/);
  });

  it('is refused where a plugin throws outside of what waits for it', async () => {
    const error = await failureOf(
      'setImmediate(() => { throw new Error("odd"); }); await new Promise(() => setInterval(() => {}, 1_000));',
    );
    expect(error.message).to.include('odd');
  });

  it('is refused where a plugin cannot be loaded', async () => {
    const error = await failureOf('throw new Error("odd");');
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.match(/large\.yaml:\d+:\d+ .*odd/);
  });
});
