import { once } from 'node:events';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, writePair } from '../support/certificates.ts';
import { sidecarOn } from '../support/program.ts';
import { scratchForPrograms, shortest } from '../support/scratch.ts';
import { echoMessages, webSocketUpstream } from '../support/upstreams.ts';

interface Operation {
  readonly parameters?: readonly { name: string; in: string; required: boolean }[];
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema?: object }>; $ref?: string }>>;
  readonly security?: readonly object[];
}
interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: { readonly problem: Operation['responses'][string] } };
}

/** Routes of others: one that tells nothing of itself, and one that tells what it takes and answers. */
const PLUGIN = `import { AdminRoute, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: 'mine',
  bind(bind) {
    bind(AdminRoute).toConstantValue({ method: 'GET', path: '/mine/*', doc: 'Mine.', serve: ({ path }) => ({ body: { path } }) });
    bind(AdminRoute).toConstantValue({
      method: 'POST', path: '/mine/*', doc: 'More of mine.',
      query: { of: { doc: 'What.', schema: { type: 'integer' } } },
      responses: { 201: { doc: 'Made.', schema: { type: 'array', items: { type: 'string' } } } },
      serve: () => ({ status: 201, body: ['a'] }),
    });
  },
});
`;
/** As `toISOString` has it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TOKEN = 'correct-horse-battery';

describe('/openapi.json', () => {
  const scratch = scratchForPrograms({ 'mine.ts': PLUGIN });

  async function begin(more = '', listener = '') {
    const upstream = await webSocketUpstream(echoMessages);
    const text = shortest([upstream.address], `plugins: [./mine.ts]\n${more}`);
    const program = sidecarOn(scratch.write('o.yaml', text.replace(/^clusters:/m, `${listener}clusters:`)));
    const { admin } = await program.logged('ready');
    const api = (await (
      await fetch(`http://${admin}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } })
    ).json()) as Api;
    return { upstream, program, admin, api, port: await program.port() };
  }

  async function check(api: Api) {
    const { valid, errors } = await new Validator().validate(structuredClone(api) as never);
    expect(valid, JSON.stringify(errors)).to.equal(true);
  }

  it('is valid, and says of every answer of a sidecar with traffic what it looks like', async () => {
    const { cert, key } = writePair(
      scratch.folder,
      'edge',
      await (await Authority.create()).issue({ names: ['a.example'] }),
    );
    const edge = `{ protocol: https, bind: "127.0.0.1:0", cluster: app, tls: { certificates: [{ cert: ${cert}, key: ${key} }] } }`;
    const { upstream, program, admin, api, port } = await begin('', `  edge: ${edge}\n`);
    await check(api);
    const ajv = new Ajv2020({
      strict: true,
      strictRequired: false,
      allowUnionTypes: true,
      allErrors: true,
      formats: { 'date-time': TIME },
    });
    const told = new Set<string>();

    /** Asks, and holds the answer against what the document says of it. */
    const ask = async (method: string, path: string, query = '', template = path): Promise<unknown> => {
      const response = await fetch(`http://${admin}${path}${query}`, { method });
      const operation = api.paths[template]![method.toLowerCase()]!;
      const { status } = response;
      const described = operation.responses[status] ?? (status >= 400 ? api.components.responses.problem : undefined);
      expect(described, `${method} ${path} ${status}`).not.to.equal(undefined);
      const [type] = response.headers.get('content-type')!.split(';') as [string];
      const text = await response.text();
      told.add(`${method.toLowerCase()} ${template}`);
      // One that tells nothing of its answers.
      if (described!.content === undefined) return text;
      expect(described!.content, `${method} ${path}`).to.have.property(type);
      const { schema } = described!.content[type]!;
      if (type === 'application/json') {
        const fits = ajv.compile(schema!);
        const body: unknown = JSON.parse(text);
        expect(
          fits(body),
          `${method} ${path}${query}: ${ajv.errorsText(fits.errors)} in ${text.slice(0, 2_000)}`,
        ).to.equal(true);
        return body;
      }
      return text;
    };

    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    await once(socket, 'open');
    socket.send('hello');
    await once(socket, 'message');
    await (await fetch(`http://127.0.0.1:${port}/x`)).text();

    const gets = Object.entries(api.paths).filter(([path, { get }]) => get !== undefined && !path.endsWith('}'));
    expect(gets.length).to.be.above(10);
    // One that streams never ends.
    for (const [path] of gets.filter(([name]) => name !== '/live')) await ask('GET', path);
    await ask('GET', '/config_dump', '?origins');
    await ask('GET', '/sessions', '?limit=x');
    await ask('GET', '/traces', '?limit=1');
    await ask('GET', '/mine/x', '', '/mine/{rest}');
    await ask('POST', '/mine/x', '', '/mine/{rest}');
    await ask('POST', '/logging', '?level=warn');
    await ask('POST', '/logging', '?level=loud');

    scratch.write('o.yaml', 'drain: { timeout: never }\n');
    program.kill('SIGHUP');
    await program.logged('the reload failed; the configuration in force stays');
    await ask('GET', '/healthz');
    await ask('GET', '/config_dump', '?origins');

    const { sessions } = (await ask('GET', '/sessions', '?kind=websocket')) as { sessions: { id: string }[] };
    expect(sessions).to.have.length(1);
    const closed = once(socket, 'close');
    await ask('DELETE', '/sessions/none', '', '/sessions/{id}');
    await ask('DELETE', `/sessions/${sessions[0]!.id}`, '?code=4000', '/sessions/{id}');
    await closed;
    await ask('POST', '/drain', '?code=1000');
    await ask('POST', '/drain');
    await program.exit;
    await upstream.stop();

    const all = Object.entries(api.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect(all.filter((one) => !told.has(one) && one !== 'get /live' && !one.includes('/page/'))).to.deep.equal([]);
    const undescribed = Object.entries(api.paths).flatMap(([path, item]) =>
      Object.values(item).some(({ responses }) => Object.values(responses).every((one) => !('content' in one)))
        ? [path]
        : [],
    );
    expect(undescribed.filter((path) => !/^\/(live|overview|page\/)/.test(path))).to.deep.equal(['/mine/{rest}']);
  });

  it('has the routes of plugins in force, and the parameters of all', async () => {
    const { api, upstream } = await begin();
    const parameters = (path: string, method: string) =>
      (api.paths[path]![method]!.parameters ?? []).map(({ name, in: where, required }) => [name, where, required]);
    expect(parameters('/mine/{rest}', 'get')).to.deep.equal([['rest', 'path', true]]);
    expect(parameters('/mine/{rest}', 'post')).to.deep.equal([
      ['rest', 'path', true],
      ['of', 'query', false],
    ]);
    expect(parameters('/sessions/{id}', 'delete')).to.deep.equal([
      ['id', 'path', true],
      ['code', 'query', false],
      ['reason', 'query', false],
    ]);
    expect(parameters('/traces', 'get').map(([name]) => name)).to.deep.equal(['limit', 'trace']);
    expect(Object.keys(api.paths['/logging']!)).to.deep.equal(['get', 'post']);
    await upstream.stop();
  });

  it('tells which of them want a token', async () => {
    const { api, upstream } = await begin(`admin: { token: ${TOKEN} }\n`);
    await check(api);
    expect(api.paths['/livez']!['get']!.security).to.equal(undefined);
    expect(api.paths['/drain']!['post']!.security).to.deep.equal([{ token: [] }]);
    await upstream.stop();
  });
});
