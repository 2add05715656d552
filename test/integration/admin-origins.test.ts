import { expect } from 'chai';
import { type Program, runToEnd, sidecarOn } from '../support/program.ts';
import { scratchForPrograms } from '../support/scratch.ts';

interface Dump {
  readonly values: readonly { path: string; value: unknown; origin: string }[];
  readonly problems: readonly Record<string, string>[];
}

const PLUGIN = `import { Logger } from '@outrigger/core';
import { ConnectionHooks, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: 'mine',
  config: { token: { doc: 'Token.', format: String, sensitive: true } },
  bind(bind) {
    bind(ConnectionHooks).toResolvedValue((logger) => { logger.warn('mine is old'); return {}; }, [Logger]);
  },
});
`;

const small = (timeout: string) => `drain:
  timeout: ${timeout}
listeners:
  inbound: { protocol: http, bind: "127.0.0.1:\${PORT}", cluster: app }
clusters:
  app: { endpoints: ["127.0.0.1:1"] }
plugins:
  - ./mine.ts: { token: "\${TOKEN}" }
`;
/** Large enough to be read in a thread. */
const large = (timeout: string) => `${small(timeout)}# ${'.'.repeat(40_000)}\n`;
const ENV = { PORT: '0', TOKEN: 'hunter2-hunter2' };

describe('the origins of the configuration in force', () => {
  const scratch = scratchForPrograms({ 'mine.ts': PLUGIN });

  async function dump(program: Program): Promise<Dump> {
    const { admin } = await program.logged('ready');
    const text = await (await fetch(`http://${admin}/config_dump?origins`)).text();
    expect(text).not.to.contain('hunter2');
    return JSON.parse(text) as Dump;
  }
  const originOf = ({ values }: Dump, path: string) => {
    const found = values.find((one) => one.path === path);
    return [found?.value, found?.origin.replace(`${scratch.folder}/`, '')];
  };
  const reloaded = async (program: Program, count: number) => {
    program.kill('SIGHUP');
    await program.until(({ log }) => log.filter(({ msg }) => msg.includes('reload')).length === count);
  };

  for (const [size, text] of [
    ['small', small],
    ['large', large],
  ] as const) {
    it(`are what explain tells, and what was read last, of a ${size} file`, async () => {
      const file = scratch.write('o.yaml', text('9s'));
      const program = sidecarOn(file, [], { env: ENV });
      const first = await dump(program);
      const explained = await runToEnd(['explain', '-c', file, '--json', '--set', 'admin.bind=127.0.0.1:0'], {
        env: ENV,
      });
      expect(first.values).to.deep.equal((JSON.parse(explained.stdout) as Dump).values);
      expect(originOf(first, 'drain.timeout')).to.deep.equal(['9s', 'o.yaml:2:12']);
      expect(originOf(first, 'listeners.inbound.bind')).to.deep.equal(['127.0.0.1:0', 'o.yaml:4:36 ($PORT)']);
      expect(originOf(first, 'admin.bind')).to.deep.equal(['127.0.0.1:0', '--set']);
      expect(originOf(first, 'drain.rate')).to.deep.equal([200, 'default']);
      expect(originOf(first, 'mine.token')[0]).to.equal('[sensitive]');
      expect(first.problems).to.deep.equal([{ severity: 'warning', message: 'mine is old' }]);

      // What the file says meanwhile is not in force.
      scratch.write('o.yaml', `# moved\n${text('8s')}`);
      expect(await dump(program)).to.deep.equal(first);
      await reloaded(program, 1);
      expect(originOf(await dump(program), 'drain.timeout')).to.deep.equal(['8s', 'o.yaml:3:12']);

      // The same in other places is nothing new, but the places are.
      scratch.write('o.yaml', text('8s'));
      await reloaded(program, 2);
      expect(originOf(await dump(program), 'drain.timeout')).to.deep.equal(['8s', 'o.yaml:2:12']);

      scratch.write('o.yaml', text('never'));
      await reloaded(program, 3);
      const failed = await dump(program);
      expect(originOf(failed, 'drain.timeout')).to.deep.equal(['8s', 'o.yaml:2:12']);
      const [warning, { at, ...error } = {}, ...none] = failed.problems;
      expect([warning!['severity'], none]).to.deep.equal(['warning', []]);
      expect(Date.now() - Date.parse(at!)).to.be.within(0, 60_000);
      expect(error).to.deep.equal({
        severity: 'error',
        origin: `${file}:2:12`,
        path: 'drain.timeout',
        message: 'is "never", expected a duration such as 500ms, 25s, 2m, 1h or off',
      });

      scratch.write('o.yaml', text('7s'));
      await reloaded(program, 4);
      expect((await dump(program)).problems).to.have.length(1);
    });
  }
});
