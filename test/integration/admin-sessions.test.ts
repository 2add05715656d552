import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { sidecarOn } from '../support/program.ts';
import { scratchForPrograms, shortest } from '../support/scratch.ts';
import { echoMessages, webSocketUpstream } from '../support/upstreams.ts';

interface Row {
  readonly id: string;
  readonly path: string;
  readonly bytes: { readonly received: number };
}

describe('sessions on the admin address', () => {
  const scratch = scratchForPrograms();

  it('are listed with what they carry, chosen by what they are, and closed with a code', async () => {
    const upstream = await webSocketUpstream(echoMessages);
    const program = sidecarOn(scratch.write('outrigger.yaml', shortest([upstream.address])));
    const port = await program.port();
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const sockets = await Promise.all(
      ['/a', '/b'].map(async (path) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
        await once(socket, 'open');
        socket.send('hello');
        await once(socket, 'message');
        return socket;
      }),
    );
    const list = async (query: string) => {
      const answer = await fetch(`http://${admin}/sessions?${query}`);
      return ((await answer.json()) as { sessions: Row[] }).sessions;
    };
    const [first, ...rest] = await list('kind=websocket&path=/a');
    expect(rest).to.deep.equal([]);
    expect(first).to.deep.include({
      listener: 'inbound',
      cluster: 'app',
      endpoint: upstream.address,
      route: 'inbound[0]',
      messages: { received: 1, sent: 1, total: 2 },
      buffered: { downstream: 0, upstream: 0, total: 0 },
      pingMs: { downstream: null, upstream: null },
    });
    expect(first).to.have.property('messagesPerSecond').that.has.keys('received', 'sent');
    expect(first!.bytes.received).to.be.above(100);
    expect(await list('cluster=other')).to.deep.equal([]);

    const closed = once(sockets[0]!, 'close');
    const removed = await fetch(`http://${admin}/sessions/${first!.id}?code=4000&reason=bye`, { method: 'DELETE' });
    expect(removed.status).to.equal(202);
    const [code, reason] = await closed;
    expect([code, String(reason)]).to.deep.equal([4000, 'bye']);
    const line = await program.logged('websocket closed');
    expect(line).to.deep.include({ cause: 'admin-closed', initiator: 'sidecar' });
    expect((await list('kind=websocket')).map(({ path }) => path)).to.deep.equal(['/b']);
    expect(sockets[1]!.readyState).to.equal(WebSocket.OPEN);
    sockets[1]!.terminate();
    await upstream.stop();
  });
});
