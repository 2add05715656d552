import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { ioIsDirect, proveDirectIo } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
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
      const begin = async (upstream: Upstream) => {
        upstreams.push(upstream);
        const program = sidecarOn(scratch.write('o.yaml', shortest([upstream.address])), [], { env });
        return program.port();
      };

      it('says so in explain', async () => {
        const file = scratch.write('o.yaml', shortest(['127.0.0.1:1']));
        const { stdout } = await runToEnd(['explain', '-c', file], { env });
        expect(stdout).to.match(name === 'the public way' ? /read by 'data' events/ : /one shared buffer/);
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
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
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
      });
    });
  }
});
