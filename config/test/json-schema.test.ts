// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { jsonSchema, plainDocument, readDocument, validate } from '../src/index.ts';
import { wrong, wrongJson } from './corpus.ts';
import { schemaCheck } from './schema-check.ts';
import { known, plugins } from './stand-ins.ts';

/** What no schema can say: what YAML itself refuses, names, addresses, files, other keys, and checks that are functions. */
const BEYOND = new Set([
  'a size over what the setting takes',
  'a setting given twice',
  'a cluster given twice',
  'a key given twice',
  'a key that is a map',
  'a merge key',
  'a variable that is not set',
  'a reference to no name',
  'a reference that is not closed',
  'a delay longer than the timeout that it is part of',
  'an unknown cluster',
  'an unknown cluster of a route',
  'a path that the plugin refuses',
  'an IPv4 address that is none',
  'a network with too long a prefix',
  'two listeners on the same address',
  'a listener on the admin address',
  'an endpoint listed twice',
  'an unknown plugin',
  'a plugin listed twice',
  'a file that a setting names and that cannot be read',
  'every address beside one of them',
  'every address of both families beside one of them',
  'a listener on the admin address that holds by default',
  'probes on the admin address',
  'two listeners on one Unix-domain socket',
  'a listener that would send to itself',
  'a secret that a plugin quotes when it refuses it, without showing it',
]);

/** As an editor sees it: variables as they are written. */
function asWritten(text: string): unknown {
  const unresolved = new Proxy({}, { get: (_, name) => `\${${String(name)}}` });
  return plainDocument(readDocument({ text, name: 'o.yaml' }, unresolved));
}

describe('the JSON Schema', () => {
  const check = schemaCheck(jsonSchema(known));
  const design = readFileSync(new URL('design.yaml', import.meta.url), 'utf8');

  it("takes the design's example", () => {
    expect(check(asWritten(design))).to.deep.equal([]);
  });

  it('takes what is shown of a configuration', () => {
    const text = design.slice(0, design.indexOf('plugins:'));
    const { configuration } = validate(readDocument({ text, name: 'o.yaml' }, {}), known);
    expect(check(JSON.parse(JSON.stringify(configuration!.shown)))).to.deep.equal([]);
  });

  it('takes a variable wherever a scalar belongs', () => {
    const text = `service: { name: "\${A}" }
drain: { delay: "\${A}", rate: "\${A:-5}" }
listeners:
  a: { protocol: "\${A}", bind: "\${HOST}:80", direction: "\${A}", routes: [{ cluster: "\${A}" }], trustedPeers: ["\${A}"] }
clusters:
  app:
    balancer: { policy: "\${A}", choices: "\${B}" }
    endpoints: ["\${A}", { address: "\${A}", weight: "\${B}" }]
    outlier: { maxEjected: "\${A}" }
    limits: { requests: "\${A}" }
    tls: { verify: "\${A}" }
plugins: [{ tracing: { maxBatch: "\${A}" } }]
`;
    expect(check(asWritten(text))).to.deep.equal([]);
  });

  it('takes any settings of a plugin that it does not know, and none that it does not know of one that it does', () => {
    const base = 'listeners: { a: { protocol: http, bind: ":1", cluster: app } }\n';
    const entries = (text: string) => check(asWritten(`${base}plugins:\n  - ${text}\n`));
    expect(entries('./mine.ts: { anything: [1] }')).to.deep.equal([]);
    expect(entries('{ use: ./mine.ts, settings: { anything: [1] }, onError: open }')).to.deep.equal([]);
    expect(entries('tracing: { anything: [1] }')).not.to.deep.equal([]);
    expect(entries('{ use: tracing, settings: { anything: [1] } }')).not.to.deep.equal([]);
    expect(entries('{ use: ./mine.ts, onErorr: open }')).not.to.deep.equal([]);
  });

  it('tells how long a token is at least, and of what, and takes a variable for it', () => {
    const base = 'listeners: { a: { protocol: http, bind: ":1", cluster: app } }\n';
    const taken = (token: string) => check(asWritten(`${base}admin: { token: ${token} }\n`)).length === 0;
    for (const token of ['correct-horse-battery', '0123456789abcdef', 'aB3.~+/-_aB3.~+/==', '"${A}"', '"${A:-b}"'])
      expect(taken(token), token).to.equal(true);
    for (const token of ['fifteen-letters', '"sixteen letters!"', 'sixteen=letters=', '""', '12345678901234567'])
      expect(taken(token), token).to.equal(false);
  });

  it('has every doc, default, choice and variable of the environment', () => {
    const { $defs } = jsonSchema(known) as { $defs: Record<string, { properties: Record<string, object> }> };
    expect($defs['listener']!.properties['direction']).to.deep.equal({
      description: 'inbound: towards the service; outbound: from it.',
      anyOf: [{ enum: ['inbound', 'outbound'] }, { $ref: '#/$defs/variable' }],
      default: 'inbound',
    });
    const text = JSON.stringify($defs['plugin']);
    expect(text).to.contain('"Credential. Environment: TRACING_TOKEN. Masked where it is shown."');
    const settings = plugins.flatMap(({ plugin }) => JSON.stringify(plugin).match(/"doc":"[^"]+/g) ?? []);
    const all = JSON.stringify(jsonSchema(known));
    expect(settings.length).to.be.least(30);
    for (const doc of settings) expect(all).to.contain(doc.slice('"doc":"'.length));
  });

  for (const [name, text] of [...wrong, ...wrongJson])
    it(`${BEYOND.has(name) ? 'leaves to the program' : 'refuses'}: ${name}`, () => {
      expect(check(asWritten(text)).length === 0).to.equal(BEYOND.has(name));
    });
});
