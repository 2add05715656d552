import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { endPrograms, type Program, sidecarOn } from '../../test/support/program.ts';
import { RawClient, statusOf } from '../../test/support/raw-client.ts';
import { Scratch, shortest } from '../../test/support/scratch.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../../test/support/upstreams.ts';

/** Far beyond what an end at once takes, far below `drain.timeout`. */
const AT_ONCE_MS = 3_000;

describe('a signal', () => {
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  afterEach(async () => {
    await endPrograms();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
  });
  after(() => scratch.remove());

  const start = (upstream: Upstream, ...args: string[]): Program => {
    upstreams.push(upstream);
    return sidecarOn(scratch.write('outrigger.yaml', shortest([upstream.address])), args);
  };
  /** An upstream whose answers the test gives itself. */
  const held = async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const upstream = await httpUpstream((_request, response) => asked.resolve(response));
    return { upstream, asked: asked.promise };
  };
  const open = async (port: number): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    return socket;
  };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} ends an idle sidecar at once, with 0, and says so`, async () => {
      const program = start(await httpUpstream((_request, response) => response.end('good')));
      const port = await program.port();
      // A kept connection and a pooled one are idle, too.
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal('good');
      const at = performance.now();
      program.kill(signal);
      expect(await program.exit).to.deep.equal({ code: 0, signal: null });
      expect(performance.now() - at).to.be.below(AT_ONCE_MS);
      const [draining, stopped] = program.log.slice(-2);
      expect(draining).to.include({ msg: 'draining', by: signal, sessions: 0 });
      expect(stopped).to.include({ msg: 'stopped' });
    });
  }

  it('lets an exchange in flight come to its end, and takes no new connection meanwhile', async () => {
    const { upstream, asked } = await held();
    const program = start(upstream);
    const port = await program.port();
    const client = await RawClient.connect(port);
    client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await asked;
    program.kill('SIGTERM');
    expect(await program.logged('draining')).to.include({ sessions: 1 });
    // What came in the moment before the listener closed may still be accepted, or is reset.
    const refused = async (): Promise<string | undefined> => {
      for (;;) {
        try {
          (await RawClient.connect(port)).destroy();
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'ECONNRESET') return code;
        }
      }
    };
    expect(await refused()).to.equal('ECONNREFUSED');
    response.end('whole');
    const answer = await client.untilEnd();
    expect(statusOf(answer)).to.equal(200);
    expect(answer)
      .to.match(/\r\nconnection: close\r\n/i)
      .and.to.match(/whole\r\n|whole$/);
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });

  it('closes an open WebSocket with 1001 on both sides, and waits for the closing handshakes', async () => {
    const upstream = await webSocketUpstream(echoMessages);
    const program = start(upstream);
    const socket = await open(await program.port());
    socket.send('before');
    expect(String((await once(socket, 'message'))[0])).to.equal('before');
    const [above] = upstream.sockets;
    const closedAbove = once(above!, 'close');
    const closedBelow = once(socket, 'close');
    program.kill('SIGTERM');
    expect((await closedBelow)[0]).to.equal(1001);
    expect((await closedAbove)[0]).to.equal(1001);
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });

  it('cuts at drain.timeout what does not end, and ends with 0', async () => {
    const { upstream, asked } = await held();
    const program = start(upstream, '--set', 'drain.timeout=200ms');
    const client = await RawClient.connect(await program.port());
    client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked;
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    expect(await client.untilEnd()).not.to.match(/^HTTP\/1\.1 2/);
  });

  it('ends at once, with 1, where a second one comes while something is open', async () => {
    const { upstream, asked } = await held();
    const program = start(upstream);
    const client = await RawClient.connect(await program.port());
    client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked;
    program.kill('SIGINT');
    await program.logged('draining');
    // One Ctrl-C may arrive twice (from the terminal, and from npm): what comes within half a second is the same one.
    program.kill('SIGINT');
    const again = setInterval(() => program.kill('SIGINT'), 100);
    expect(await program.exit).to.deep.equal({ code: 1, signal: null });
    clearInterval(again);
    expect(program.log.at(-1)).to.include({ level: 'warn', signal: 'SIGINT', sessions: 1 });
    await client.untilEnd();
  });

  it('is not needed by standard input: that it is closed ends nothing', async () => {
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    upstreams.push(upstream);
    const program = sidecarOn(scratch.write('outrigger.yaml', shortest([upstream.address])), [], { stdin: 'pipe' });
    const port = await program.port();
    const closed = once(program.process.stdin!, 'close');
    program.process.stdin!.end();
    await closed;
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).to.equal(200);
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });

  it('is survived by a sidecar whose log nobody reads any more', async () => {
    const program = start(await httpUpstream((_request, response) => response.end('good')));
    const port = await program.port();
    program.process.stderr!.destroy();
    program.process.stdout!.destroy();
    // The drain writes to what is closed, and must come to its end all the same.
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).to.equal(200);
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });
});
