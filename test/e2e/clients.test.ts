import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { curl, itWith, nginx, pythonWebSockets } from '../support/peers.ts';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { RawClient } from '../support/raw-client.ts';
import { Scratch, shortest } from '../support/scratch.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  field,
  httpUpstream,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';

describe('independent programs', () => {
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  afterEach(async () => {
    await endPrograms();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
  });
  after(() => scratch.remove());

  /** Starts a sidecar in front of `upstream`; resolves to its port. */
  const before = async (upstream: Upstream, more = ''): Promise<number> => {
    upstreams.push(upstream);
    return sidecarOn(scratch.write('outrigger.yaml', shortest([upstream.address], more))).port();
  };
  /** Starts an nginx with one virtual host, and resolves when it accepts. */
  const startNginx = async (host: string): Promise<Program> => {
    const folder = join(scratch.folder, 'nginx');
    const conf = scratch.write(
      'nginx/nginx.conf',
      `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {${host}
  }
}
`,
    );
    const started = new Program(nginx.path!, ['-c', conf, '-p', folder, '-e', 'stderr']);
    await started.until(({ stderr }) => stderr.includes('nginx/'));
    return started;
  };
  const run = async (command: string, args: readonly string[]): Promise<string> => {
    const program = new Program(command, args);
    const { code } = await program.exit;
    expect(code, program.stderr).to.equal(0);
    return program.stdout;
  };

  itWith(curl, 'curl gets an answer, keeps its connection, and says what it sent', async () => {
    const port = await before(await echoUpstream());
    const url = `http://127.0.0.1:${port}`;
    const twice = await run(curl.path!, [
      '-sS',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{num_connects}\n',
      `${url}/a`,
      `${url}/b`,
    ]);
    expect(twice).to.equal('200 1\n200 0\n');
    const echo = JSON.parse(
      await run(curl.path!, ['-sS', '-A', 'curl', '-H', 'X-Mixed: Case', `${url}/c?d=1`]),
    ) as Echo;
    expect([echo.method, echo.url, field(echo.headers, 'x-mixed')]).to.deep.equal(['GET', '/c?d=1', 'Case']);
  });

  itWith(curl, 'curl uploads two megabytes in chunks, after a 100 Continue', async () => {
    const port = await before(await echoUpstream());
    const file = join(scratch.folder, 'body');
    const body = 'outrigger!'.repeat(200_000);
    writeFileSync(file, body);
    const args = ['-sS', '-T', file, '-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue'];
    const echo = JSON.parse(await run(curl.path!, [...args, `http://127.0.0.1:${port}/up`])) as Echo;
    expect(echo.method).to.equal('PUT');
    expect(echo.body === body).to.equal(true);
    expect(field(echo.headers, 'transfer-encoding')).to.equal('chunked');
  });

  itWith(curl, 'curl uses a listener as its proxy, which goes where Host says', async () => {
    const one = await echoUpstream();
    const two = await echoUpstream();
    upstreams.push(one, two);
    const program = sidecarOn(
      scratch.write(
        'outbound.yaml',
        `listeners:
  outbound:
    protocol: http
    direction: outbound
    bind: "127.0.0.1:0"
    routes: [{ match: { host: cart }, cluster: cart }, { match: { host: shop }, cluster: shop }]
clusters:
  cart: { endpoints: ["${one.address}"] }
  shop: { endpoints: ["${two.address}"] }
`,
      ),
    );
    const proxy = `http://127.0.0.1:${await program.port('outbound')}`;
    const echo = JSON.parse(await run(curl.path!, ['-sS', '-x', proxy, 'http://shop/items'])) as Echo;
    expect([echo.url, field(echo.headers, 'host')]).to.deep.equal(['/items', 'shop']);
    expect([one.connections, two.connections]).to.deep.equal([0, 1]);
    const status = await run(curl.path!, [
      '-sS',
      '-x',
      proxy,
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      'http://nowhere/',
    ]);
    expect(status).to.equal('404');
  });

  for (const deflate of [false, true]) {
    itWith(
      pythonWebSockets,
      `Python's websockets talks to a ws service, ${deflate ? 'compressed' : 'plain'}`,
      async () => {
        const port = await before(await webSocketUpstream(echoMessages, { perMessageDeflate: deflate }));
        const script = `import asyncio, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:${port}/chat", compression=${deflate ? '"deflate"' : 'None'}, max_size=None) as socket:
        await (await socket.ping())
        for message in ["hello", "h\\u00e9 \\U0001F6F6", b"\\x00\\xff" * 10, "x" * 1000000, ""]:
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["a", "b", "c"])
        assert await socket.recv() == "abc"
        print(",".join(e.name for e in socket.extensions))
    print(socket.close_code)
asyncio.run(main())
`;
        const said = await run(pythonWebSockets.path!, ['-c', script]);
        expect(said).to.equal(`${deflate ? 'permessage-deflate' : ''}\n1000\n`);
      },
    );
  }

  itWith(nginx, 'nginx is an upstream: bodies, kept connections, a missing page, ranges', async () => {
    scratch.write('nginx/html/index.html', '<h1>nginx</h1>');
    scratch.write('nginx/html/large', 'outrigger!'.repeat(100_000));
    const socket = join(scratch.folder, 'nginx/web');
    const server = await startNginx(`
    listen unix:${socket};
    root ${scratch.folder}/nginx/html;
    location = /connection { default_type text/plain; return 200 "$connection"; }`);
    const program = sidecarOn(scratch.write('outrigger.yaml', shortest([`unix:${socket}`])));
    const url = `http://127.0.0.1:${await program.port()}`;
    const page = await fetch(`${url}/`);
    expect(await page.text()).to.equal('<h1>nginx</h1>');
    expect(page.headers.get('server')).to.match(/^nginx/);
    expect((await (await fetch(`${url}/large`)).text()).length).to.equal(1_000_000);
    expect((await fetch(`${url}/missing`)).status).to.equal(404);
    const range = await fetch(`${url}/large`, { headers: { range: 'bytes=10-14' } });
    expect([range.status, await range.text()]).to.deep.equal([206, 'outri']);
    const connections = [await fetch(`${url}/connection`), await fetch(`${url}/connection`)];
    const [first, second] = await Promise.all(connections.map((response) => response.text()));
    expect(first).to.match(/^\d+$/).and.to.equal(second);
    server.kill('SIGTERM');
    await server.exit;
    const gone = await fetch(`${url}/`);
    expect([gone.status, (await gone.text()).split(':')[0]]).to.deep.equal([502, 'connect-failed']);
  });

  itWith(
    nginx,
    'nginx in front cuts a silent WebSocket and silent events without us, and with us neither',
    async () => {
      const upstream = await webSocketUpstream(() => {});
      const events = await httpUpstream((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: one\n\n');
      });
      upstreams.push(upstream, events);
      const file = scratch.write(
        'behind.yaml',
        `listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    keepalive: { peerIdleTimeout: 2s }
    routes: [{ match: { path: /events }, cluster: events }, { cluster: app }]
clusters:
  app: { endpoints: ["${upstream.address}"] }
  events: { endpoints: ["${events.address}"] }
`,
      );
      const port = await sidecarOn(file).port();
      const socket = join(scratch.folder, 'nginx/front');
      const timeout = 'proxy_read_timeout 2s; proxy_buffering off; proxy_http_version 1.1;';
      const upgrade = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
      await startNginx(`
    listen unix:${socket};
    ${timeout}
    location /with/ws { ${upgrade} proxy_pass http://127.0.0.1:${port}/; }
    location /without/ws { ${upgrade} proxy_pass http://${upstream.address}/; }
    location /with/events { proxy_pass http://127.0.0.1:${port}/events; }
    location /without/events { proxy_pass http://${events.address}/; }`);
      const began = performance.now();
      const silentFor = async (path: string): Promise<number> => {
        const client = new WebSocket(`ws+unix:${socket}:${path}`);
        client.on('error', () => {});
        await once(client, 'open');
        const patience = setTimeout(() => client.terminate(), 6_000);
        await once(client, 'close');
        clearTimeout(patience);
        return performance.now() - began;
      };
      const eventsFor = async (path: string): Promise<number> => {
        const client = await RawClient.connect({ path: socket });
        client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const patience = setTimeout(() => client.destroy(), 6_000);
        await client.untilEnd();
        clearTimeout(patience);
        return performance.now() - began;
      };
      const [ws, bareWs, stream, bareStream] = await Promise.all([
        silentFor('/with/ws'),
        silentFor('/without/ws'),
        eventsFor('/with/events'),
        eventsFor('/without/events'),
      ]);
      for (const bare of [bareWs, bareStream]) expect(bare).to.be.within(1_900, 4_500);
      for (const kept of [ws, stream]) expect(kept).to.be.above(5_900);
    },
  );
});
