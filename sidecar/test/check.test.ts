// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { takenPort } from '../../test/support/taken-port.ts';
import { folderWith, outrigger } from './command-line.ts';

const BASE = `listeners: { a: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters: { app: { endpoints: ["127.0.0.1:1"] } }
`;
const plugin = (rest: string) => `import { BalancerFactory, ConnectionHooks, Lifecycle } from '@outrigger/core';
export default { name: 'mine', ${rest} };
`;

describe('outrigger check', () => {
  const cases: readonly [name: string, files: Record<string, string>, ...problems: string[]][] = [
    [
      'an unknown policy, beside a wrong value elsewhere',
      { 'o.yaml': `drain: { timeout: 30 }\n${BASE.replace('endpoints', 'balancer: round-robbin, endpoints')}` },
      'o.yaml:1:19 drain.timeout: is 30 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
      'o.yaml:3:30 clusters.app.balancer: there is no policy "round-robbin", did you mean "round-robin"?',
    ],
    [
      'an unknown discovery, and settings of one that is known',
      {
        'o.yaml': `${BASE.split('\n')[0]}
clusters:
  app: { discovery: { dsn: { host: a } } }
  b: { discovery: { dns: { hots: a, port: 1 } } }
`,
      },
      'o.yaml:3:23 clusters.app.discovery: there is no discovery "dsn", did you mean "dns"?',
      'o.yaml:4:21 clusters.b.discovery.dns.host: is missing, expected text (Name whose A and AAAA records are the endpoints)',
      'o.yaml:4:28 clusters.b.discovery.dns.hots: is not known here, did you mean "host"?',
    ],
    [
      'https without certificates',
      { 'o.yaml': BASE.replace('protocol: http,', 'protocol: https,') },
      'o.yaml:1:14 listeners.a: protocol https needs tls: { certificates: [{ cert, key }] }',
    ],
    [
      'a hook misspelled, where its plugin is listed',
      {
        'o.yaml': `${BASE}plugins:\n  - ./p.ts\n`,
        'p.ts': plugin('bind(bind) { bind(ConnectionHooks).toConstantValue({ onReqest() {} }); }'),
      },
      'o.yaml:4:5 plugins[0]: plugin mine has the unknown hook "onReqest"; did you mean "onRequest"?',
    ],
    [
      'a plugin that fails and quotes its secret, without showing it',
      {
        'o.yaml': `${BASE}plugins:\n  - ./p.ts: { token: hunter2 }\n`,
        'p.ts': plugin(
          "config: { token: { doc: 'T.', format: String, sensitive: true } }, bind(_, { token }) { throw new Error('bad ' + token); }",
        ),
      },
      'o.yaml:4:5 plugins[0]: plugin mine failed in bind(): bad [sensitive]',
    ],
    [
      'an order that goes in a circle',
      {
        'o.yaml': `${BASE}plugins:\n  - ./p.ts\n`,
        'p.ts': plugin("before: ['tracing'], after: ['tracing'], bind() {}"),
      },
      'o.yaml:4:5 plugins[0]: the order of the plugins goes in a circle: ',
    ],
    [
      'a plugin that cannot be found, and one whose module throws',
      {
        'o.yaml': `${BASE}plugins:\n  - ./q.ts\n  - trasing\n  - ./p.ts\n`,
        'p.ts': 'throw new Error("no luck");\n',
      },
      'o.yaml:4:5 plugins[0]: plugin ',
      'o.yaml:5:5 plugins[1]: there is no plugin "trasing": it is neither built in nor an installed package; did you mean "tracing"?',
      'o.yaml:6:5 plugins[2]: plugin ',
    ],
    [
      "a built-in plugin's wrong setting, beside an unknown policy",
      {
        'o.yaml': `${BASE.replace('endpoints', 'balancer: mime, endpoints')}plugins:\n  - tracing: { sampling: 5 }\n`,
      },
      'o.yaml:2:30 clusters.app.balancer: there is no policy "mime", expected one of round-robin',
      'o.yaml:4:26 plugins[0].tracing.sampling: is 5, expected a number from 0 to 1',
    ],
    [
      "a plugin's wrong setting, and not of a policy that it may well provide",
      {
        'o.yaml': `${BASE.replace('endpoints', 'balancer: mime, endpoints')}plugins:\n  - ./p.ts: { wait: 5 }\n`,
        'p.ts': plugin("config: { wait: { doc: 'Wait.', format: 'duration' } }, bind() {}"),
      },
      'o.yaml:4:21 plugins[0]."./p.ts".wait: is 5 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
    ],
    [
      'a policy that refuses its settings when it is made',
      {
        'o.yaml': `${BASE.replace('endpoints', 'balancer: mine, endpoints')}plugins:\n  - ./p.ts\n`,
        'p.ts': plugin(
          "bind(bind) { bind(BalancerFactory).toConstantValue({ policy: 'mine', create() { throw new Error('not today'); } }); }",
        ),
      },
      'o.yaml:2:13 clusters.app: not today',
    ],
    ['a file that is not there', {}, 'o.yaml:1:1: cannot be read: there is no such file', 'outrigger init writes'],
  ];
  for (const [name, files, ...problems] of cases)
    it(`tells of ${name}`, async () => {
      const folder = folderWith(files);
      try {
        const { code, stdout, stderr } = await outrigger(['check', '-c', 'o.yaml'], folder.path);
        const lines = stderr.trim().split('\n');
        expect(lines.map((line, index) => line.slice(0, problems[index]?.length))).to.deep.equal(problems);
        expect({ code, stdout }).to.deep.equal({ code: 78, stdout: '' });
      } finally {
        folder.remove();
      }
    });

  it('says that a file is valid, and what is in it; a policy of its own plugin counts', async () => {
    const folder = folderWith({
      'o.yaml': `${BASE.replace('endpoints', 'balancer: { policy: mine, x: 1 }, endpoints')}plugins:\n  - ./p.ts\n`,
      'p.ts': plugin(
        "bind(bind) { bind(BalancerFactory).toConstantValue({ policy: 'mine', config: { x: { doc: 'X.', format: 'nat' } }, create: () => ({}) }); }",
      ),
    });
    try {
      expect(await outrigger(['check', '-c', 'o.yaml'], folder.path)).to.deep.equal({
        code: 0,
        stdout: 'o.yaml is valid\n1 listener, 1 route, 1 cluster, 12 built-in plugins and mine\n',
        stderr: '',
      });
    } finally {
      folder.remove();
    }
  });

  it('begins nothing: the address may be in use, and no plugin is initialised', async () => {
    using taken = await takenPort();
    const folder = folderWith({
      'o.yaml': `${BASE.replace('127.0.0.1:0', `127.0.0.1:${taken.port}`)}plugins: [./p.ts]\n`,
      'p.ts': plugin("bind(bind) { bind(Lifecycle).toConstantValue({ init() { throw new Error('begun'); } }); }"),
    });
    try {
      const { code, stderr } = await outrigger(['check', '-c', 'o.yaml'], folder.path);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    } finally {
      folder.remove();
    }
  });

  it('ends although a plugin holds a timer, and passes on what plugins warn of', async () => {
    const folder = folderWith({
      'o.yaml': `${BASE}plugins: [./p.ts]\n`,
      'p.ts': `setInterval(() => {}, 60_000);\n${plugin('bind() {}')}`,
    });
    try {
      const ended = await outrigger(['check', '-c', 'o.yaml'], folder.path, { OTEL_TRACES_SAMPLER: 'sometimes' });
      expect(ended.code).to.equal(0);
      expect(ended.stderr).to.match(/^warning: OTEL_TRACES_SAMPLER cannot be understood, expected one of/);
    } finally {
      folder.remove();
    }
  });

  it('opens an encrypted key with a passphrase of the environment, and never shows it', async () => {
    const folder = folderWith({
      'o.yaml': BASE.replace(
        'protocol: http,',
        'protocol: https, tls: { certificates: [{ cert: tls/localhost.crt, key: key, passphrase: "${SECRET}" }] },',
      ),
    });
    try {
      expect((await outrigger(['cert'], folder.path)).code).to.equal(0);
      const key = createPrivateKey(readFileSync(join(folder.path, 'tls/localhost.key')));
      const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
      writeFileSync(join(folder.path, 'key'), key.export(locked));
      const run = (SECRET: string) => outrigger(['check', '-c', 'o.yaml'], folder.path, { SECRET });
      expect((await run('open sesame')).code).to.equal(0);
      const { code, stderr } = await run('hunter2');
      expect(code).to.equal(78);
      expect(stderr).to.include('cannot be read with the passphrase that was given').and.not.include('hunter2');
    } finally {
      folder.remove();
    }
  });

  it('colours places only where colours are wanted, and masks secrets', async () => {
    const folder = folderWith({ 'o.yaml': `${BASE}plugins: [{ tracing: { headers: { key: 4711 } } }]\n` });
    try {
      const run = (env: Record<string, string>) => outrigger(['check', '-c', 'o.yaml'], folder.path, env);
      const plain = 'o.yaml:3:40 plugins[0].tracing.headers.key: is not valid, expected text\n';
      expect((await run({})).stderr).to.equal(plain);
      expect((await run({ NO_COLOR: '1' })).stderr).to.equal(plain);
      expect((await run({ FORCE_COLOR: '0' })).stderr).to.equal(plain);
      expect((await run({ FORCE_COLOR: '1' })).stderr).to.equal(
        '\x1b[1mo.yaml:3:40\x1b[22m\x1b[36m plugins[0].tracing.headers.key\x1b[39m: is not valid, expected text\n',
      );
    } finally {
      folder.remove();
    }
  });
});
