import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PluginError } from '@outrigger/core';
import { expect } from 'chai';
import type { AdminSettings } from '../src/index.ts';
import { readToken } from '../src/token.ts';
import { type SetUp, setUp } from './stand-ins.ts';

const TOKEN = 'correct-horse-battery';
const bind = '127.0.0.1:0';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the admin token', () => {
  const running: SetUp[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-token-'));
  const tokenFile = join(folder, 'token');
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
  });
  after(() => rmSync(folder, { recursive: true }));

  async function begin(settings: AdminSettings): Promise<SetUp> {
    const page = {
      method: 'GET',
      path: '/page/*',
      doc: 'The page.',
      open: true,
      serve: () => ({ body: 'page' }),
    } as const;
    const one = setUp(settings, [], [page]);
    running.push(one);
    await one.start();
    return one;
  }
  const statusOf = async (one: SetUp, path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`http://${one.sidecar.addresses.get('admin')}${path}`, { method, headers });
    await response.arrayBuffer();
    expect(response.headers.get('www-authenticate')).to.equal(
      response.status === 401 ? 'Bearer realm="outrigger"' : null,
    );
    return response.status;
  };

  it('is asked for everywhere but at the probes and the page', async () => {
    const one = await begin({ admin: { bind, token: TOKEN } });
    for (const path of ['/livez', '/readyz', '/page/app.js']) expect(await statusOf(one, path), path).to.equal(200);
    expect(await statusOf(one, '/', { accept: 'text/html,*/*;q=0.8' })).to.equal(200);
    for (const path of ['/', '/healthz', '/config_dump', '/sessions', '/nope', '/page', '/openapi.json', '/logging'])
      expect(await statusOf(one, path), path).to.equal(401);
    expect(await statusOf(one, '/drain', {}, 'POST')).to.equal(401);
    expect(await statusOf(one, '/livez', {}, 'POST')).to.equal(401);
    expect(await statusOf(one, '/healthz', {}, 'HEAD')).to.equal(401);
    expect(one.sidecar.endsRequested).to.equal(0);
    expect(await statusOf(one, '/drain', bearer(TOKEN), 'POST')).to.equal(202);
    for (const path of ['/', '/healthz']) expect(await statusOf(one, path, bearer(TOKEN)), path).to.equal(200);
    expect(await statusOf(one, '/nope', bearer(TOKEN))).to.equal(404);
  });

  it('must be that one, behind the word Bearer in any case', async () => {
    const one = await begin({ admin: { bind, token: TOKEN } });
    for (const [authorization, status] of [
      [`bearer ${TOKEN}`, 200],
      [`BEARER  ${TOKEN}`, 200],
      [`Bearer ${TOKEN}x`, 401],
      [`Bearer ${TOKEN.slice(0, -1)}`, 401],
      [`Bearer ${TOKEN.toUpperCase()}`, 401],
      ['Bearer', 401],
      [`Basic ${TOKEN}`, 401],
      [TOKEN, 401],
    ] as const)
      expect(await statusOf(one, '/healthz', { authorization }), authorization).to.equal(status);
  });

  it('is not asked for where there is none, nor by the address for probes', async () => {
    const one = await begin({ admin: { bind }, probes: { bind: 'localhost:0' } });
    expect(await statusOf(one, '/healthz')).to.equal(200);
    const other = await begin({ admin: { bind: '127.0.0.2:0', token: TOKEN }, probes: { bind: 'localhost:0' } });
    expect(await statusOf(other, '/healthz')).to.equal(401);
    expect((await fetch(`http://${other.sidecar.addresses.get('probes')}/livez`)).status).to.equal(200);
  });

  it('is read again from its file on a reload, and stays where that cannot be', async () => {
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const one = await begin({ admin: { bind, tokenFile } });
    const reload = async () => {
      for (const { value } of one.composition.lifecycles) await value.reload?.();
    };
    expect(await statusOf(one, '/healthz', bearer(TOKEN))).to.equal(200);
    writeFileSync(tokenFile, 'another-horse-battery');
    expect(await statusOf(one, '/healthz', bearer(TOKEN))).to.equal(200);
    await reload();
    expect(await statusOf(one, '/healthz', bearer(TOKEN))).to.equal(401);
    expect(await statusOf(one, '/healthz', bearer('another-horse-battery'))).to.equal(200);
    writeFileSync(tokenFile, 'short');
    await reload();
    expect(one.logged).to.deep.equal(['the admin token stays as it was']);
    expect(await statusOf(one, '/healthz', bearer('another-horse-battery'))).to.equal(200);
  });

  it('is that of the instance in force: one that a failed reload made and stopped leaves nothing behind', async () => {
    const old = await begin({ admin: { bind, token: TOKEN } });
    const next = await begin({ admin: { bind, token: 'another-horse-battery' } });
    expect(await statusOf(old, '/healthz', bearer(TOKEN))).to.equal(401);
    await next.stop();
    running.pop();
    expect(await statusOf(old, '/healthz', bearer(TOKEN))).to.equal(200);
  });

  it('is refused where it is short, cannot be sent, or is given twice, without being quoted', () => {
    writeFileSync(tokenFile, 'fifteen-letters\n');
    for (const [settings, keys, message] of [
      [
        { token: 'fifteen-letters' },
        'admin.token',
        'has 15 characters; expected 16 or more, as of openssl rand -hex 16',
      ],
      [{ token: 'sixteen letters!' }, 'admin.token', /^has characters that cannot stand behind "Bearer"/],
      [{ tokenFile }, 'admin.tokenFile', `names ${tokenFile}, which has 15 characters; expected 16`],
      [{ tokenFile: join(folder, 'none') }, 'admin.tokenFile', 'cannot be read: ENOENT'],
      [{ token: TOKEN, tokenFile }, 'admin.tokenFile', 'stands beside admin.token; one of the two is enough'],
    ] as const) {
      let error: unknown;
      try {
        readToken(settings);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(PluginError);
      expect((error as PluginError).keys!.join('.')).to.equal(keys);
      if (typeof message === 'string') expect((error as Error).message).to.contain(message);
      else expect((error as Error).message).to.match(message);
      expect((error as Error).message).not.to.match(/fifteen-|sixteen /);
    }
  });

  it('is missed where other machines reach the address', () => {
    const warned = (admin: { bind: string; token?: string }) => setUp({ admin }).logged.length;
    for (const local of ['127.0.0.1:1', '127.8.8.8:1', '[::1]:1', 'localhost:1', 'a.localhost:1', 'unix:/x'])
      expect(warned({ bind: local }), local).to.equal(0);
    for (const open of [
      '0.0.0.0:1',
      '[::]:1',
      '*:1',
      ':1',
      '10.0.0.1:1',
      '128.0.0.1:1',
      'mesh.example:1',
      '127.example:1',
    ]) {
      expect(warned({ bind: open }), open).to.equal(1);
      expect(warned({ bind: open, token: TOKEN }), open).to.equal(0);
    }
  });
});
