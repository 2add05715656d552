import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { SidecarProcess } from '../support/sidecar-process.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a sidecar whose file descriptors are nearly used up', () => {
  const FILES = 256;
  let upstream: Upstream;
  let sidecar: SidecarProcess;

  before(async () => {
    upstream = await httpUpstream((_, response) => response.end('ok'));
    sidecar = await SidecarProcess.start([upstream.address], FILES);
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
  });

  /** Connects; resolves to the socket where it stays open and is served, to undefined where it is closed. */
  function served(): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const socket = connect(sidecar.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('connect', () => socket.write(GET));
      socket.once('data', () => resolve(socket));
      socket.once('close', () => resolve(undefined));
    });
  }

  it('closes new connections at once, serves those that it has, and is well within a second', async () => {
    const kept = await RawClient.connect(sidecar.port);
    const ask = async (answers: number) => {
      kept.send(GET);
      await kept.until((text) => text.split('ok').length === answers + 1);
    };
    await ask(1);

    // All at once: idle ones that hold their descriptors, three times as many as there are.
    const flood = await Promise.all(Array.from({ length: 3 * FILES }, served));
    const open = flood.filter((socket) => socket !== undefined);
    expect(open.length, 'served').to.be.within(FILES / 4, (FILES - 64) / 2);
    const { files, warnings } = await sidecar.measure();
    expect(files, 'open files').to.be.below(FILES);
    expect(warnings.filter((line) => line.startsWith('file descriptors'))).to.have.length(1);

    // Those inside go on, and so do their connections upstream.
    await ask(2);
    for (const socket of open.slice(0, 20)) {
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
    }
    expect(await served(), 'one more while it is full').to.equal(undefined);

    const began = performance.now();
    for (const socket of open) socket.destroy();
    let again: Socket | undefined;
    while (again === undefined) again = await served();
    expect(performance.now() - began, 'milliseconds until it accepts again').to.be.below(1_000);
    again.destroy();
    await ask(3);
    expect(statusOf(kept.received)).to.equal(200);
    kept.destroy();
  });
});
