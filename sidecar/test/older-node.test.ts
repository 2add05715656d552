import { expect } from 'chai';
import { itWith, olderNode } from '../../test/support/peers.ts';
import { OUTRIGGER, Program } from '../../test/support/program.ts';
import { scratchForPrograms, shortest } from '../../test/support/scratch.ts';
import { echoUpstream } from '../../test/support/upstreams.ts';

describe('under an older Node', () => {
  const scratch = scratchForPrograms();
  const start = (...args: string[]) => new Program(olderNode.path!, [OUTRIGGER, ...args]);

  itWith(olderNode, 'the program re-executes itself with the Node 24 that npm installed', async () => {
    const program = start('--version');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    expect(program.stdout).to.match(/^outrigger \S+ \(Node 24\./);
    expect(program.stderr).to.equal('');
  });

  itWith(olderNode, 'exit codes are those of the inner process', async () => {
    const file = scratch.write('bad.yaml', 'listeners: 5\n');
    const programs = [start('runn'), start('check', '-c', file)];
    const exits = await Promise.all(programs.map(({ exit }) => exit));
    expect(exits.map(({ code }) => code)).to.deep.equal([2, 78]);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    itWith(olderNode, `${signal} reaches the inner process, which drains and ends with 0`, async () => {
      const upstream = await echoUpstream();
      const file = scratch.write('good.yaml', shortest([upstream.address]));
      const program = start('-c', file, '--set', 'admin.bind=127.0.0.1:0');
      expect((await fetch(`http://127.0.0.1:${await program.port()}/`)).status).to.equal(200);
      program.kill(signal);
      expect(await program.exit).to.deep.equal({ code: 0, signal: null });
      expect(program.log.at(-1)).to.include({ msg: 'stopped' });
      await upstream.stop();
    });
  }

  itWith(olderNode, 'a Ctrl-C, which reaches both processes, ends with 0', async () => {
    const file = scratch.write('good.yaml', shortest(['127.0.0.1:1']));
    const program = new Program(olderNode.path!, [OUTRIGGER, '-c', file, '--set', 'admin.bind=127.0.0.1:0'], {
      group: true,
    });
    await program.port();
    program.killGroup('SIGINT');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });

  itWith(olderNode, 'an inner process that is killed kills the outer one by the same signal', async () => {
    const file = scratch.write('plugin.yaml', `${shortest(['127.0.0.1:1'])}plugins: [./killed.ts]\n`);
    scratch.write(
      'killed.ts',
      `import { definePlugin, Lifecycle } from '@outrigger/core';
export default definePlugin({
  name: 'killed',
  bind(bind) {
    bind(Lifecycle).toConstantValue({ start: () => void process.kill(process.pid, 'SIGKILL') });
  },
});
`,
    );
    const program = start('-c', file, '--set', 'admin.bind=127.0.0.1:0');
    expect(await program.exit).to.deep.equal({ code: null, signal: 'SIGKILL' });
  });
});
