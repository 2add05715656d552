import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { Authority, writePair } from '../support/certificates.ts';
import { endPrograms, ROOT, sidecarOn } from '../support/program.ts';
import { typeOf } from '../support/schema-types.ts';
import { Scratch } from '../support/scratch.ts';

interface Api {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get?: { readonly responses: Readonly<Record<string, { readonly content?: Content } | undefined>> } }
    >
  >;
}
type Content = Readonly<Record<string, { readonly schema?: object }>>;

/** What the page reads of an answer, in its own types. */
const READ = join(ROOT, 'plugins/admin/page/data/answers.ts');

/** Holds `Answers` of the page against `Told`: what is read is of that type, and is there, however deep and optional. */
const CHECK = `
type Missing<Read, Told> = unknown extends Read ? never
  : Read extends readonly (infer R)[] ? Missing<R, Element<Told>>
  : Read extends object ? { [K in keyof Read & string]-?: K extends keyof Told
      ? Below<K, Missing<NonNullable<Read[K]>, Extract<Told[K], object>>> : K }[keyof Read & string]
  : never;
type Element<Told> = Told extends readonly (infer T)[] ? T : never;
type Below<K extends string, Path> = Path extends string ? \`\${K} > \${Path}\` : never;

export const fits: Answers = null! as Told;
export const isThere: [Missing<Answers, Told>] extends [never] ? true : Missing<Answers, Told> = true;
`;

describe('the types of the page', function () {
  this.timeout(30_000);
  const scratch = new Scratch();
  let told: string;

  before(async () => {
    const authority = await Authority.create();
    const { cert, key } = writePair(scratch.folder, 'edge', await authority.issue({ names: ['a.example'] }));
    const program = sidecarOn(
      scratch.write(
        'o.yaml',
        `admin: { bind: "127.0.0.1:0" }
listeners:
  edge: { protocol: https, bind: "127.0.0.1:0", cluster: app, tls: { certificates: [{ cert: ${cert}, key: ${key} }] } }
clusters:
  app: { endpoints: ["127.0.0.1:1"], outlier: {}, balancer: { policy: peak-ewma } }
`,
      ),
    );
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const api = (await (await fetch(`http://${admin}/openapi.json`)).json()) as Api;
    const fields = Object.entries(api.paths).flatMap(([path, { get }]) => {
      const schema = get?.responses['200']?.content?.['application/json']?.schema;
      return schema === undefined ? [] : [`  ${JSON.stringify(path)}: ${typeOf(schema)};`];
    });
    told = `interface Told {\n${fields.join('\n')}\n}\n`;
  });
  after(async () => {
    await endPrograms();
    scratch.remove();
  });

  /** What the compiler says; empty where it is content. */
  function compiled(answers: string): string {
    const file = scratch.write('check.ts', `${answers}\n${told}${CHECK}`);
    const options = '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2024';
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        ...options.split(' '),
        '--allowImportingTsExtensions',
        '--types',
        '',
        file,
      ],
      { cwd: scratch.folder, encoding: 'utf8' },
    );
    return stdout;
  }

  it('are those of /openapi.json', () => {
    expect(compiled(`import type { Answers } from ${JSON.stringify(READ)};`)).to.equal('');
  });

  for (const [name, answers, complaint] of [
    ['is not told', '{ "/healthz": { readonly mood?: string } }', '"/healthz > mood"'],
    [
      'is deep, optional and not told',
      '{ "/sessions": { readonly sessions: readonly { readonly pingMs?: { readonly client?: number } }[] } }',
      '"/sessions > sessions > pingMs > client"',
    ],
    ['is told at times', '{ "/clusters": { readonly clusters: readonly { readonly panic: boolean }[] } }', "'panic'"],
    ['may be null', '{ "/sessions": { readonly sessions: readonly { readonly route: string }[] } }', 'route'],
    ['is of another type', '{ "/overview": { readonly at: number } }', "'string' is not assignable to type 'number'"],
    ['is of no path', '{ "/mood": { readonly good: boolean } }', '"/mood"'],
  ] as const) {
    it(`may not read what ${name}`, () => {
      expect(compiled(`interface Answers ${answers}`)).to.include(complaint);
    });
  }
});
