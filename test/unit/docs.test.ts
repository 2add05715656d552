import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../', import.meta.url);

describe('the generated pages', () => {
  let written: ReadonlyMap<string, string>;
  before(async () => {
    const script = (await import(new URL('scripts/docs.mjs', root).href)) as {
      pages(): Promise<ReadonlyMap<string, string>>;
    };
    written = await script.pages();
  });

  for (const path of ['docs/errors.md', 'docs/configuration.md'])
    it(`${path} is what \`npm run docs\` writes`, () => {
      expect(readFileSync(new URL(path, root), 'utf8')).to.equal(written.get(path));
    });

  it('are these three, and the reference has keys of every section', () => {
    expect(written.size).to.equal(3);
    const page = written.get('docs/configuration.md')!;
    const keys = [
      'service.name',
      'timeouts.head',
      'match.host',
      'pool.idle',
      'dns.port',
      'weight',
      'onError',
      'sampling',
    ];
    for (const key of keys) expect(page).to.contain(`| \`${key}\` |`);
  });
});
