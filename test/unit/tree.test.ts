import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CAUSES, errorCode } from '@outrigger/core';
import { expect } from 'chai';
import { ROOT } from '../support/program.ts';
import { filesBelow, packages, read, readJson } from '../support/tree.ts';

interface Lock {
  readonly packages: Readonly<
    Record<string, { resolved?: string; integrity?: string; link?: boolean; hasInstallScript?: boolean }>
  >;
}

const texts = filesBelow('.').filter(
  (file) => /\.(ts|mjs|cjs|js|json|md|ya?ml)$/.test(file) && file !== 'package-lock.json',
);

describe('docs/errors.md', () => {
  it('has a heading and the code of each cause, and no other', () => {
    const page = read('docs/errors.md');
    const headings = [...page.matchAll(/^### `(.+)`$/gm)].map((match) => match[1]);
    expect(headings).to.deep.equal(Object.keys(CAUSES));
    for (const name of Object.keys(CAUSES) as (keyof typeof CAUSES)[])
      expect(page).to.include(`Code: \`${errorCode(name)}\``);
  });
});

describe('the tree', () => {
  it('has no test that runs alone, and nothing that is left to do', () => {
    const marks = new RegExp(['\\b(describe|it|context)\\.on', 'ly\\(|\\bTO', 'DO\\b|\\bFIX', 'ME\\b'].join(''));
    expect(texts.length).to.be.above(100);
    expect(texts.filter((file) => marks.test(read(file)))).to.deep.equal([]);
  });

  it('has only links to files that exist', () => {
    const pages = texts.filter((file) => file.endsWith('.md'));
    const links = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => [page, match[1]!] as const),
    );
    expect(links.length).to.be.above(10);
    expect(links.filter(([page, to]) => !existsSync(join(ROOT, dirname(page), to)))).to.deep.equal([]);
  });

  it('names every package in README.md', () => {
    const readme = read('README.md');
    expect(packages().filter(({ folder }) => !readme.includes(`](${folder}/README.md)`))).to.deep.equal([]);
  });
});

describe('package-lock.json', () => {
  const { packages: locked } = readJson<Lock>('package-lock.json');
  const installed = Object.entries(locked).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  );

  it('has no download addresses, so that npm takes each package from its own registry', () => {
    expect(installed.length).to.be.above(100);
    expect(installed.filter(([, { resolved }]) => resolved !== undefined)).to.deep.equal([]);
  });

  it('has the checksum of every package', () => {
    expect(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).to.deep.equal([]);
  });

  it('has install scripts in nothing that the program needs, and the set-up runs none', () => {
    const scripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripts.filter((path) => !/\/nx$/.test(path))).to.deep.equal([]);
    expect(read('scripts/setup.mjs')).to.include("'--ignore-scripts'");
  });
});
