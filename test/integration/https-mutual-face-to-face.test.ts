import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { meshForSuite, SPIFFE } from '../support/mesh.ts';
import type { TestSidecar } from '../support/sidecar.ts';
import { type Echo, echoMessages, field, webSocketUpstream } from '../support/upstreams.ts';

describe('mutual TLS', () => {
  const mesh = meshForSuite();

  it('carries requests and WebSockets through two sidecars face to face', async () => {
    let asked: IncomingHttpHeaders | undefined;
    const chat = await webSocketUpstream((socket, { headers }) => {
      asked = headers;
      echoMessages(socket);
    });
    try {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const cluster = (address: string) => ({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', ca: mesh.ca, ...mesh.ownFiles } },
      });
      const near = await mesh.start({ listener: { ...mesh.requiring(), trustedPeers: ['127.0.0.0/8'] } });
      const through = async ({ port }: TestSidecar) => {
        const far = await mesh.start(cluster(`127.0.0.1:${port}`));
        const response = await fetch(far.url, { headers: { traceparent } });
        return ((await response.json()) as Echo).headers;
      };
      const headers = await through(near);
      expect(field(headers, 'x-forwarded-for')).to.equal('127.0.0.1, 127.0.0.1');
      expect(field(headers, 'traceparent')).to.equal(traceparent);
      expect(field(headers, 'x-forwarded-client-cert')).to.include(`URI=${SPIFFE}`);
      const byId = await mesh.start({ listener: { ...mesh.requiring(), trustedPeers: ['spiffe://mesh.test/ns/a/*'] } });
      expect(field(await through(byId), 'x-forwarded-for')).to.equal('127.0.0.1, 127.0.0.1');
      const another = await mesh.start({
        listener: { ...mesh.requiring(), trustedPeers: ['spiffe://mesh.test/ns/b/*'] },
      });
      expect(field(await through(another), 'x-forwarded-for')).to.equal('127.0.0.1');

      const trusting = { ...mesh.requiring(), trustedPeers: ['spiffe://mesh.test/ns/a/*'] };
      const nearChat = await mesh.start({ endpoints: [chat.address], listener: trusting });
      const farChat = await mesh.start(cluster(`127.0.0.1:${nearChat.port}`));
      const socket = new WebSocket(`ws://127.0.0.1:${farChat.port}/ws`, { headers: { traceparent } });
      await once(socket, 'open');
      expect(asked).to.include({ traceparent, 'x-forwarded-for': '127.0.0.1, 127.0.0.1', 'x-forwarded-proto': 'http' });
      for (const text of ['hello', 'x'.repeat(200_000)]) {
        socket.send(text);
        expect(String((await once(socket, 'message'))[0])).to.equal(text);
      }
      socket.close(1000);
      expect((await once(socket, 'close'))[0]).to.equal(1000);
    } finally {
      await mesh.stopSidecars();
      await chat.stop();
    }
  });
});
