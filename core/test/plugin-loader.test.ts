import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { definePlugin, loadPlugin, type Plugin, PluginError, reject } from '../src/index.ts';
import { composed, rejectionOf } from './stand-ins.ts';

const routing = definePlugin({ name: 'routing', bind() {} });
const builtIn: ReadonlyMap<string, Plugin> = new Map([['routing', routing]]);

describe('loading a plugin', () => {
  let folder: string;
  const write = (path: string, text: string): string => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const load = (use: string) => loadPlugin(use, folder, builtIn);
  const failure = async (use: string): Promise<string> => {
    const error = await rejectionOf(load(use));
    expect(error).to.be.instanceOf(PluginError);
    expect((error as PluginError).plugin).to.equal(use);
    return error.message;
  };

  before(() => {
    // Outside the tree: nothing but the loader's hook makes @outrigger/core known there.
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-plugins-')));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('finds built-in ones by name', async () => {
    expect(await load('routing')).to.deep.equal({ plugin: routing, origin: 'built in' });
  });

  it('takes a .ts file from anywhere, whose @outrigger/core is the running one', async () => {
    const file = write(
      'require-header.ts',
      `import { ConnectionHooks, definePlugin, reject, type Session } from '@outrigger/core';
import * as core from '@outrigger/core';
export const same = core;
export default definePlugin({
  name: 'require-header',
  config: { header: { doc: 'Header that every session must carry.', format: String, default: 'x-tenant' } },
  bind(bind, { header }) {
    bind(ConnectionHooks).toConstantValue({ onRequest: (s: Session) => s.request.headers.has(header) ? undefined : reject(403, \`missing \${header}\`) });
  },
});
`,
    );
    const { plugin, origin } = await load('./require-header.ts');
    expect([plugin.name, origin]).to.deep.equal(['require-header', file]);
    expect(composed(plugin).plugin.config).to.have.property('header');
    const { same } = (await import(file)) as { same: { reject: unknown } };
    expect(same.reject).to.equal(reject);
    expect((await load(file)).plugin).to.equal(plugin);
  });

  it('takes .js, .mjs and .cjs files, and files above the folder', async () => {
    write('a.js', "export default { name: 'a', bind() {} };");
    write('b.mjs', "export default { name: 'b', bind() {} };");
    write(
      'c.cjs',
      "const { definePlugin } = require('@outrigger/core'); module.exports = definePlugin({ name: 'c', bind() {} });",
    );
    for (const [use, name] of [
      ['./a.js', 'a'],
      ['./b.mjs', 'b'],
      ['./c.cjs', 'c'],
    ] as const) {
      expect((await load(use)).plugin.name).to.equal(name);
    }
    mkdirSync(join(folder, 'etc'));
    expect((await loadPlugin('../a.js', join(folder, 'etc'), builtIn)).plugin.name).to.equal('a');
  });

  it('takes a package that is installed beside the configuration', async () => {
    const main = write('node_modules/@acme/audit/lib/index.js', "export default { name: '@acme/audit', bind() {} };");
    write(
      'node_modules/@acme/audit/package.json',
      JSON.stringify({ name: '@acme/audit', type: 'module', exports: { '.': { import: './lib/index.js' } } }),
    );
    const { plugin, origin } = await load('@acme/audit');
    expect([plugin.name, origin]).to.deep.equal(['@acme/audit', main]);
  });

  it('loads anew what has changed, or what it imports by a relative path, and only that', async () => {
    const text = (greeting: string) =>
      `import { word } from './words/word.ts';\nexport default { name: 'changing', before: [\`${greeting}-\${word}\`], bind() {} };\n`;
    const word = (value: string) => write('words/word.ts', `export const word = '${value}';\n`);
    word('one');
    write('changing.ts', text('a'));
    const told = async () => (await load('./changing.ts')).plugin;
    const first = await told();
    expect(first.before).to.deep.equal(['a-one']);
    write('changing.ts', text('a'));
    expect(await told()).to.equal(first);
    write('changing.ts', text('b'));
    expect((await told()).before).to.deep.equal(['b-one']);
    word('two');
    const third = await told();
    expect(third.before).to.deep.equal(['b-two']);
    expect(await told()).to.equal(third);
    word('one');
    write('changing.ts', text('a'));
    expect(await told()).to.equal(first);
  });

  it('says where it looked for a file', async () => {
    expect(await failure('./nowhere.ts')).to.equal(
      `plugin ./nowhere.ts does not exist; looked for ${join(folder, 'nowhere.ts')}`,
    );
  });

  it('wants a module', async () => {
    const file = write('a.yaml', '');
    expect(await failure('./a.yaml')).to.equal(
      `plugin ./a.yaml (${file}) is no module; expected a file that ends in .ts, .mts, .js, .mjs, .cjs`,
    );
  });

  it('guesses what was meant', async () => {
    expect(await failure('ruoting')).to.equal(
      'there is no plugin "ruoting": it is neither built in nor an installed package; did you mean "routing"?',
    );
    for (const use of ['@acme/other', 'fs', 'plugins/x.ts']) {
      expect(await failure(use)).to.equal(
        `there is no plugin "${use}": it is neither built in nor an installed package; install the package "${use}" where the configuration lies, or name a file as ./${use}`,
      );
    }
  });

  it('says what a package hides', async () => {
    write('node_modules/hidden/package.json', JSON.stringify({ name: 'hidden', exports: { './x': './x.js' } }));
    expect(await failure('hidden')).to.match(
      /^plugin hidden cannot be loaded: No "exports" main defined in .*hidden.package\.json/,
    );
  });

  it('says that a published plugin has to be JavaScript', async () => {
    const main = write('node_modules/typed/index.ts', 'export default {};');
    write('node_modules/typed/package.json', JSON.stringify({ name: 'typed', type: 'module', exports: './index.ts' }));
    expect(await failure('typed')).to.equal(
      `plugin typed cannot be loaded: a published plugin has to ship JavaScript, not ${main}`,
    );
  });

  it('names the line that throws', async () => {
    const file = write('throws.ts', "const boom = (): never => {\n  throw new Error('boom');\n};\nboom();\n");
    expect(await failure('./throws.ts')).to.equal(`plugin ./throws.ts cannot be loaded: boom (${file}:2:9)`);
    const other = write('throws-text.mjs', "throw 'text';");
    expect(await failure('./throws-text.mjs')).to.equal(
      `plugin ./throws-text.mjs cannot be loaded: it throws text (${other})`,
    );
  });

  it('names the line of TypeScript that cannot be erased', async () => {
    const file = write('enum.ts', '\nenum Colour { red }\nexport default Colour;\n');
    expect(await failure('./enum.ts')).to.equal(
      `plugin ./enum.ts cannot be loaded: TypeScript enum is not supported in strip-only mode (${file}:2); Node runs TypeScript whose types can be erased: no enum, namespace or parameter property`,
    );
  });

  it('names the line of a syntax error', async () => {
    const file = write('syntax.ts', '\nconst x: = 3;\n');
    expect(await failure('./syntax.ts')).to.match(
      new RegExp(`^plugin \\./syntax\\.ts cannot be loaded: Unexpected token .* \\(${file}:2\\)$`),
    );
  });

  it('knows the import of a type that is no "type" import', async () => {
    const file = write('type.ts', "import { Session } from '@outrigger/core';\nexport default {} as Session;\n");
    expect(await failure('./type.ts')).to.equal(
      `plugin ./type.ts cannot be loaded: The requested module '@outrigger/core' does not provide an export named 'Session' (${file}:1); if Session is a type, import it as "type Session"`,
    );
  });

  it('names a library that is missing', async () => {
    const file = write('needs.mjs', "import 'not-installed';");
    expect(await failure('./needs.mjs')).to.equal(
      `plugin ./needs.mjs cannot be loaded: Cannot find package 'not-installed' imported from ${file} (${file})`,
    );
  });

  const wrong: [what: string, text: string, message: string][] = [
    [
      'no default export',
      'export const plugin = {};',
      'has no default export; end it with "export default definePlugin({ … })"',
    ],
    ['a function', 'export default () => {};', 'exports a function; expected an object from definePlugin({ … })'],
    ['null', 'export default null;', 'exports null; expected an object from definePlugin({ … })'],
    [
      'no name',
      'export default { bind() {} };',
      'has the name undefined; expected lower-case letters, digits and hyphens, with an @scope/ if you like',
    ],
    [
      'a bad name',
      "export default { name: 'My Plugin', bind() {} };",
      'has the name "My Plugin"; expected lower-case letters, digits and hyphens, with an @scope/ if you like',
    ],
    ['no bind', "export default { name: 'x' };", '("x") has no function "bind"; expected bind(bind, config) { … }'],
    [
      'a misspelt property',
      "export default { name: 'x', bind() {}, confg: {} };",
      '("x") has the unknown property "confg"; did you mean "config"?',
    ],
    [
      'an unknown property',
      "export default { name: 'x', bind() {}, somethingElse: {} };",
      '("x") has the unknown property "somethingElse"; known are name, config, sections, before, after, bind',
    ],
    [
      'an unknown section',
      "export default { name: 'x', bind() {}, sections: { session: {} } };",
      '("x") adds to the unknown section "session"; known are listener, route, cluster, endpoint',
    ],
    [
      'sections that are none',
      "export default { name: 'x', bind() {}, sections: 'route' };",
      '("x") has "sections" that are no object; known are listener, route, cluster, endpoint',
    ],
    [
      'a before that is no list',
      "export default { name: 'x', bind() {}, before: 'http' };",
      '("x") has a "before" that is no list of plugin names',
    ],
    [
      'a schema that is none',
      "export default { name: 'x', bind() {}, config: 7 };",
      '("x") has a schema that is no object; expected { setting: { doc, format } }',
    ],
    [
      'a setting without doc',
      "export default { name: 'x', bind() {}, config: { a: { b: { format: String } } } };",
      '("x") declares the setting "a.b" without a "doc"',
    ],
    [
      'a setting without format',
      "export default { name: 'x', bind() {}, sections: { route: { a: 3 } } };",
      '("x") declares the setting "a" without a "doc" and a "format"',
    ],
  ];
  wrong.forEach(([what, text, message], i) => {
    it(`refuses ${what}`, async () => {
      const file = write(`wrong-${i}.mjs`, text);
      expect(await failure(`./wrong-${i}.mjs`)).to.equal(`plugin ./wrong-${i}.mjs (${file}) ${message}`);
    });
  });
});
