import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { ioIsDirect, proveDirectIo } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, writeAuthority, writePair } from '../support/certificates.ts';
import { endPrograms, runToEnd, sidecarOn } from '../support/program.ts';
import { Scratch, shortest } from '../support/scratch.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

describe('direct input and output', () => {
  it('is tried before it is done, and works on this Node', async () => {
    expect(await proveDirectIo()).to.equal(true);
    expect(ioIsDirect()).to.equal(true);
  });

  for (const [name, env] of [
    ['the shared buffer', {}],
    ['the public way', { OUTRIGGER_IO: 'public' }],
  ] as const) {
    describe(`a sidecar that reads by ${name}`, () => {
      const scratch = new Scratch();
      const upstreams: Upstream[] = [];
      afterEach(endPrograms);
      after(async () => {
        scratch.remove();
        for (const upstream of upstreams) await upstream.stop();
      });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      let ca: string;
      before(async () => {
        const authority = await Authority.create();
        ca = authority.cert;
        writeAuthority(scratch.folder, 'ca', authority);
        writePair(scratch.folder, 'own', await authority.issue({ names: ['localhost', '127.0.0.1'] }));
      });
      after(() => agent.destroy());
      /** Over TLS towards clients (`https`), or on both sides (`tls`). */
      const begin = async (upstream: Upstream, how: 'http' | 'https' | 'tls' = 'http') => {
        upstreams.push(upstream);
        let text = shortest([upstream.address]);
        if (how !== 'http')
          text = text.replace('http,', 'https, tls: { certificates: [{ cert: own.crt, key: own.key }] },');
        if (how === 'tls') text = text.replace('] }\n', '], tls: { ca: ca.crt } }\n');
        return sidecarOn(scratch.write('o.yaml', text), [], { env }).port();
      };

      it('says so in explain', async () => {
        const file = scratch.write('o.yaml', shortest(['127.0.0.1:1']));
        const { stdout } = await runToEnd(['explain', '-c', file], { env });
        expect(stdout).to.match(name === 'the public way' ? /read by 'data' events/ : /one shared buffer/);
      });

      it('carries bodies and messages of every size over TLS, on both sides', async () => {
        const far = await begin(await httpUpstream((request, response) => void request.pipe(response)), 'https');
        const near = await begin({ address: `localhost:${far}`, stop: async () => {} } as Upstream, 'tls');
        for (const size of [0, 1, 4_096, 65_535, 65_536, 65_537, 1_000_000]) {
          const body = randomBytes(size);
          const call = request({ port: near, host: '127.0.0.1', method: 'POST', ca, agent });
          call.end(body);
          const [response] = (await once(call, 'response')) as [IncomingMessage];
          expect(Buffer.concat(await response.toArray()).equals(body), `${size} bytes`).to.equal(true);
        }
        const port = await begin(await webSocketUpstream(echoMessages), 'https');
        await echoes(new WebSocket(`wss://localhost:${port}/`, { ca }));
      });

      it('carries bodies of every size, both ways, one after the other on a connection', async () => {
        const port = await begin(await httpUpstream((request, response) => void request.pipe(response)));
        for (const size of [0, 1, 4_096, 65_535, 65_536, 65_537, 1_000_000]) {
          const body = randomBytes(size);
          const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
          expect(Buffer.from(await response.arrayBuffer()).equals(body), `${size} bytes`).to.equal(true);
        }
      });

      it('carries WebSocket messages of every size', async () => {
        const port = await begin(await webSocketUpstream(echoMessages));
        await echoes(new WebSocket(`ws://127.0.0.1:${port}/`));
      });

      async function echoes(socket: WebSocket): Promise<void> {
        await once(socket, 'open');
        for (const size of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
          const message = randomBytes(size);
          socket.send(message);
          const [echo] = (await once(socket, 'message')) as [Buffer];
          expect(echo.equals(message), `${size} bytes`).to.equal(true);
        }
        const closed = once(socket, 'close');
        socket.close(1000, 'done');
        expect((await closed)[0]).to.equal(1000);
      }
    });
  }
});
