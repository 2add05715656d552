import { expect } from 'chai';
import { runToEnd } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { filesBelow, read } from '../support/tree.ts';

const PAGE = read('docs/balancing.md');

describe('docs/balancing.md', () => {
  const scratch = new Scratch();
  after(() => scratch.remove());

  const blocks = [...PAGE.matchAll(/^```yaml\n([\s\S]+?)^```$/gm)].map(([, text]) => text!);
  for (const [i, text] of blocks.entries())
    it(`shows what is valid: block ${i + 1} of ${blocks.length}`, async () => {
      const [, cluster] = /^ {2}(\w+):$/m.exec(text)!;
      const listener = `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: ${cluster} } }\n`;
      const { code, stderr } = await runToEnd(['check', '-c', scratch.write('block.yaml', listener + text)]);
      expect([code, stderr]).to.deep.equal([0, '']);
    });

  it('names log lines and metrics that there are', () => {
    const source = ['core', 'plugins']
      .flatMap((folder) => filesBelow(folder))
      .filter((file) => /\/src\/[^/]+\.ts$/.test(file))
      .map(read)
      .join('\n');
    const seen = PAGE.slice(PAGE.indexOf('## What you see'));
    const lines = [...seen.matchAll(/`((?:an endpoint|too few|enough|closing|discovery) [^`]+)`/g)].map(
      ([, line]) => line!,
    );
    const metrics = [...seen.matchAll(/`(outrigger_\w+)`/g)].map(([, name]) => name!);
    expect([lines.length, metrics.length]).to.deep.equal([9, 7]);
    for (const told of [...lines, ...metrics]) expect(source, told).to.contain(`'${told}'`);
  });
});
