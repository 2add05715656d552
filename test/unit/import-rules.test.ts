import { existsSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/program.ts';
import { filesBelow, importsOf, packageOf, packages, read, readJson, type WorkspacePackage } from '../support/tree.ts';

const all = packages();
const plugins = all.filter(({ folder }) => folder.startsWith('plugins/'));

/** What is wrong with `specifier` in a file of `from`; undefined where it is allowed. */
function judge(from: WorkspacePackage, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:'))
    return file.startsWith(`${from.folder}/page/`) ? 'a browser has no modules of Node' : undefined;
  if (specifier.startsWith('.')) {
    const path = normalize(join(file, '..', specifier));
    const part = file.slice(from.folder.length + 1).split('/', 1)[0];
    return path.startsWith(`${from.folder}/${part}/`) ? undefined : 'leaves its package';
  }
  const name = packageOf(specifier);
  if (name.startsWith('@opentelemetry/') && from.folder !== 'plugins/tracing' && from.folder !== 'plugins/metrics')
    return 'only tracing and metrics import OpenTelemetry';
  if (from.folder !== 'sidecar' && (name === 'outrigger' || plugins.some((plugin) => plugin.name === name)))
    return 'only sidecar imports a plugin';
  if (from.folder === 'core' && (name.startsWith('@outrigger/') || name === 'ws'))
    return 'core knows no plugin and no protocol';
  if (from.folder.startsWith('plugins/') && name.startsWith('@outrigger/') && name !== '@outrigger/core')
    return 'of Outrigger a plugin imports core alone';
  if (!(name in (from.manifest.dependencies ?? {}))) return `${name} is not among its dependencies`;
  return undefined;
}

/** A page is a part of its package that runs in browsers: a project of its own, which shares no module with `src`. */
const hasPage = (folder: string) => existsSync(join(ROOT, folder, 'page'));
const sources = (folder: string) =>
  [`${folder}/src`, ...(hasPage(folder) ? [`${folder}/page`] : [])]
    .flatMap(filesBelow)
    .filter((file) => /\.tsx?$/.test(file));
const named = (folder: string) => all.find((one) => one.folder === folder)!;

describe('the rules over the import graph', () => {
  for (const one of all) {
    it(`hold in every file of ${one.folder}`, () => {
      const files = sources(one.folder);
      expect(files).to.include(`${one.folder}/src/index.ts`);
      const wrong = files.flatMap((file) =>
        importsOf(read(file)).flatMap((specifier) => {
          const what = judge(one, file, specifier);
          return what === undefined ? [] : [`${file} imports ${specifier}: ${what}`];
        }),
      );
      expect(wrong).to.deep.equal([]);
    });

    it(`${one.folder} declares no dependency that it does not use`, () => {
      const used = new Set(sources(one.folder).flatMap((file) => importsOf(read(file)).map(packageOf)));
      const idle = Object.keys(one.manifest.dependencies ?? {}).filter((name) => !used.has(name));
      expect(idle).to.deep.equal([]);
    });

    it(`${one.folder} has what each package has, and references the packages that it imports`, () => {
      const files = ['package.json', 'README.md', 'src/index.ts', 'tsconfig.json'];
      expect(files.filter((file) => !existsSync(join(ROOT, one.folder, file)))).to.deep.equal([]);
      const { references = [] } = readJson<{ references?: { path: string }[] }>(`${one.folder}/tsconfig.json`);
      const referenced = references.map(({ path }) => normalize(join(one.folder, path)));
      const needed = all.filter(({ name }) => name in (one.manifest.dependencies ?? {})).map(({ folder }) => folder);
      if (hasPage(one.folder)) needed.push(`${one.folder}/page`);
      expect(referenced.sort()).to.deep.equal(needed.sort());
    });
  }

  it('the root builds every package', () => {
    const { references } = readJson<{ references: { path: string }[] }>('tsconfig.json');
    expect(references.map(({ path }) => normalize(path)).sort()).to.deep.equal(all.map(({ folder }) => folder).sort());
  });

  it('tests import what some package.json on their way declares', () => {
    const root = readJson<WorkspacePackage['manifest']>('package.json');
    const test = readJson<WorkspacePackage['manifest']>('test/package.json');
    const common = { ...root.devDependencies, ...test.dependencies, ...test.devDependencies };
    const folders = [...all.map((one) => [`${one.folder}/test`, one.manifest] as const), ['test', test] as const];
    const wrong = folders.flatMap(([folder, manifest]) =>
      filesBelow(folder)
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) =>
          importsOf(read(file))
            .filter((specifier) => !/^(node:|\.|\/)/.test(specifier))
            .map(packageOf)
            .filter((name) => !(name in common) && !(name in (manifest.dependencies ?? {})))
            .map((name) => `${file} imports ${name}`),
        ),
    );
    expect(wrong).to.deep.equal([]);
  });

  describe('refuse', () => {
    const cases: readonly (readonly [folder: string, specifier: string, why: string])[] = [
      ['core', '@outrigger/http', 'only sidecar imports a plugin'],
      ['core', 'ws', 'core knows no plugin'],
      ['core', '@opentelemetry/api', 'only tracing'],
      ['core', 'chai', 'not among its dependencies'],
      ['config', '@outrigger/routing', 'only sidecar imports a plugin'],
      ['plugins/http', '@outrigger/routing', 'only sidecar imports a plugin'],
      ['plugins/http', '@outrigger/config', 'core alone'],
      ['plugins/http', 'outrigger', 'only sidecar imports a plugin'],
      ['plugins/http', '../../routing/src/path.ts', 'leaves its package'],
      ['plugins/routing', 'ws', 'not among its dependencies'],
      ['sidecar', '@opentelemetry/api', 'only tracing'],
      ['plugins/admin', '../page/data/format.ts', 'leaves its package'],
    ];
    for (const [folder, specifier, why] of cases) {
      it(`${specifier} in ${folder}`, () => {
        expect(judge(named(folder), `${folder}/src/index.ts`, specifier)).to.include(why);
      });
    }

    it('none of the forms that an import takes', () => {
      // The tildes keep this file's own imports apart from these.
      const text = `im~port a from 'a';
im~port {
  b,
} from "@b/b/deep";
im~port 'c';
ex~port * from 'd';
ex~port { type E } from 'e';
const f = await im~port('f');
const g = req~uire('g');
// im~port h from 'h';
/** im~port i from 'i'; */
const text = "from 'j'";`.replaceAll('~', '');
      expect(importsOf(text).map(packageOf).sort()).to.deep.equal(['@b/b', 'a', 'c', 'd', 'e', 'f', 'g']);
    });
  });
});
