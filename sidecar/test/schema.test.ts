import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchema, plainDocument, readDocument } from '@outrigger/config';
import { expect } from 'chai';
import { schemaCheck } from '../../config/test/schema-check.ts';
import { writeCertificates } from '../src/cert.ts';
import { configuration } from '../src/demo/demo.ts';
import { TEMPLATE } from '../src/init.ts';
import { inspect, knownWith } from '../src/inspect.ts';
import { folderWith, outrigger } from './command-line.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const asWritten = (text: string) =>
  plainDocument(
    readDocument({ text, name: 'o.yaml' }, new Proxy({}, { get: (_, name) => `\${${String(name)}}` })),
  ) as Record<string, unknown>;

describe('outrigger schema', () => {
  let check: (data: unknown) => string[];
  // What an example that needs certificates says of them.
  const tls = folderWith();
  before(async () => {
    await writeCertificates(tls.path, ['edge']);
  });
  after(() => tls.remove());
  before(async () => {
    check = schemaCheck(jsonSchema(await knownWith(undefined)));
  });

  it('prints the schema, with the built-in plugins', async () => {
    const folder = folderWith();
    try {
      const { code, stdout, stderr } = await outrigger(['schema'], folder.path);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).to.deep.equal(jsonSchema(await knownWith(undefined)));
      expect(stdout).to.contain('"$schema": "https://json-schema.org/draft/2020-12/schema"');
    } finally {
      folder.remove();
    }
  });

  it("has the file's own plugins where a file is given", async () => {
    const folder = folderWith({
      'o.yaml': 'plugins: [./p.ts]\n',
      'p.ts': `export default {
  name: 'mine',
  sections: { route: { tenant: { doc: 'Tenant.', format: String, optional: true } } },
  bind() {},
};
`,
    });
    try {
      const { code, stdout } = await outrigger(['schema', '-c', 'o.yaml'], folder.path);
      expect(code).to.equal(0);
      const routed = asWritten('listeners: { a: { protocol: http, bind: ":1", routes: [{ cluster: x, tenant: y }] } }');
      expect(schemaCheck(JSON.parse(stdout) as object)(routed)).to.deep.equal([]);
      expect(check(routed)).to.deep.equal(['/listeners/a/routes/0 additionalProperties']);
      const broken = await outrigger(['schema', '-c', 'none.yaml'], folder.path);
      expect(broken.code).to.equal(78);
    } finally {
      folder.remove();
    }
  });

  for (const name of readdirSync(examples).filter((file) => file.endsWith('.yaml')))
    it(`takes examples/${name}, which is valid`, async () => {
      expect(check(asWritten(readFileSync(examples + name, 'utf8')))).to.deep.equal([]);
      const { configuration: valid } = await inspect({ file: examples + name, set: [] }, { TLS_DIR: tls.path });
      expect(valid.listeners).not.to.deep.equal([]);
    });

  it("takes the demo's file, and the one that init writes", () => {
    const demo = configuration(
      { plain: 1, secure: 2 },
      [{ address: 'a:1' }, { address: 'a:2' }, { address: 'a:3' }],
      'tls',
    );
    expect(check(asWritten(demo))).to.deep.equal([]);
    expect(check(asWritten(TEMPLATE))).to.deep.equal([]);
  });

  it("takes the design's example, whole", () => {
    const text = readFileSync(new URL('../../config/test/design.yaml', import.meta.url), 'utf8');
    expect(check(asWritten(text))).to.deep.equal([]);
  });
});
