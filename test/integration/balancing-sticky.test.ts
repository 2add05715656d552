import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const STICKY = { cookie: 'SERVERID', path: '/', secure: false, sameSite: 'lax', ttl: 3_600_000 };

describe('sticky', () => {
  let upstreams: Upstream[];
  let sidecar: TestSidecar;

  const start = async (sticky: object) => {
    upstreams = await Promise.all(
      ['one', 'two', 'three'].map((name) => httpUpstream((_request, response) => void response.end(name))),
    );
    sidecar = await startSidecar({ endpoints: upstreams.map(({ address }) => address), cluster: { sticky } });
  };
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.map((upstream) => upstream.stop().catch(() => {})));
  });

  const ask = async (cookie?: string) => {
    const response = await fetch(sidecar.url, cookie === undefined ? {} : { headers: { cookie: `x=1; ${cookie}` } });
    return { text: await response.text(), status: response.status, cookie: response.headers.get('set-cookie') };
  };
  const pair = (setCookie: string | null) => setCookie!.split(';')[0]!;

  it('brings a client back to its endpoint, on top of any policy', async () => {
    await start(STICKY);
    const first = await ask();
    expect(first.cookie).to.match(/^SERVERID=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    for (let i = 0; i < 7; i++) {
      const again = await ask(pair(first.cookie));
      expect(again).to.deep.equal({ text: first.text, status: 200, cookie: null });
    }
    expect((await ask()).text).to.not.equal(first.text);
  });

  it('brings a WebSocket back: the cookie comes with its 101', async () => {
    upstreams = await Promise.all(
      ['one', 'two', 'three'].map((name) => webSocketUpstream((socket) => socket.send(name))),
    );
    sidecar = await startSidecar({ endpoints: upstreams.map(({ address }) => address), cluster: { sticky: STICKY } });
    const open = async (cookie?: string) => {
      const headers = cookie === undefined ? {} : { cookie };
      const socket = new WebSocket(sidecar.url.replace('http', 'ws'), { headers });
      const [[response], [name]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'message')]);
      socket.terminate();
      return { name: String(name), cookie: response.headers['set-cookie']?.[0] as string | undefined };
    };
    const first = await open();
    for (let i = 0; i < 5; i++)
      expect(await open(pair(first.cookie!))).to.deep.equal({ name: first.name, cookie: undefined });
    await upstreams[['one', 'two', 'three'].indexOf(first.name)]!.stop();
    const second = await open(pair(first.cookie!));
    expect(second.name).to.not.equal(first.name);
    expect(await open(pair(second.cookie!))).to.deep.equal({ name: second.name, cookie: undefined });
  });

  it('sends the attributes that were asked for', async () => {
    await start({ cookie: 'to', path: '/ws', secure: true, sameSite: 'none' });
    expect((await ask()).cookie).to.match(/^to=[\w-]{43}; Path=\/ws; HttpOnly; Secure; SameSite=None$/);
  });

  it('replaces a cookie that nobody of us has made', async () => {
    await start(STICKY);
    const forged = await ask(`SERVERID=${'A'.repeat(43)}`);
    expect(forged.status).to.equal(200);
    expect((await ask(pair(forged.cookie))).text).to.equal(forged.text);
  });

  it('picks another endpoint and replaces the cookie when the one of the cookie is gone', async () => {
    await start(STICKY);
    const first = await ask();
    await upstreams[['one', 'two', 'three'].indexOf(first.text)]!.stop();
    const second = await ask(pair(first.cookie));
    expect(second.status).to.equal(200);
    expect(second.text).to.not.equal(first.text);
    expect(await ask(pair(second.cookie))).to.deep.equal({ text: second.text, status: 200, cookie: null });
  });

  it('sets no cookie on our own answers, nor where the cluster is not sticky', async () => {
    await start({});
    expect((await ask()).cookie).to.equal(null);
    await sidecar.stop();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    upstreams = [];
    sidecar = await startSidecar({ endpoints: ['127.0.0.1:1'], cluster: { sticky: STICKY } });
    expect(await ask()).to.include({ status: 502, cookie: null });
  });
});
