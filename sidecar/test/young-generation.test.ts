import { expect } from 'chai';
import { type Program, sidecarOn } from '../../test/support/program.ts';
import { scratchForPrograms, shortest } from '../../test/support/scratch.ts';

/** As the container of the tests has it; see `bin/outrigger.js`. */
const LIMIT = process.constrainedMemory();
const [SIZE, WHY] = LIMIT > 0 && LIMIT < 512 * 1024 * 1024 ? [8, 'little'] : [16, 'enough'];

const TELLS = `import { definePlugin } from '@outrigger/core';
process.stderr.write(JSON.stringify({ msg: 'flags', flags: process.execArgv }) + '\\n');
export default definePlugin({ name: 'tells' });
`;

describe('the young generation of what serves traffic', () => {
  const scratch = scratchForPrograms();
  const start = (env: Record<string, string> = {}): Program => {
    scratch.write('tells.ts', TELLS);
    const file = scratch.write('outrigger.yaml', `${shortest(['127.0.0.1:1'])}plugins: [./tells.ts]\n`);
    return sidecarOn(file, [], { env });
  };
  const flagsOf = async (program: Program) => (await program.logged('flags'))['flags'];

  it(`is held to ${SIZE} MiB, where there is ${WHY} memory`, async () => {
    expect(await flagsOf(start())).to.deep.equal([`--max-semi-space-size=${SIZE}`]);
  });

  it('is what whoever started it says', async () => {
    expect(await flagsOf(start({ NODE_OPTIONS: '--max-semi-space-size=4' }))).to.deep.equal([]);
  });
});
