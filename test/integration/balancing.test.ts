import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { sidecarOn } from '../support/program.ts';
import { scratchForPrograms } from '../support/scratch.ts';
import { startThree, type UpstreamProcess } from '../support/upstream-process.ts';

interface Row {
  readonly address: string;
  readonly requests: number;
  readonly streams: number;
}

describe('least-connections over processes', () => {
  const scratch = scratchForPrograms();

  /** A sidecar in front of a list of endpoints, which a reload changes. */
  const start = async (upstreams: readonly UpstreamProcess[]) => {
    const write = (list: readonly UpstreamProcess[], more: string) =>
      scratch.write(
        'least.yaml',
        `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters:
  app:
    endpoints: ${JSON.stringify(list.map(({ address }) => address))}
    balancer: ${more}
`,
      );
    const sidecar = sidecarOn(write(upstreams, 'least-connections'));
    const port = await sidecar.port();
    const { admin } = (await sidecar.logged('ready')) as unknown as { admin: string };
    let reloads = 0;
    return {
      async reload(list: readonly UpstreamProcess[], more = 'least-connections') {
        write(list, more);
        reloads++;
        sidecar.kill('SIGHUP');
        await sidecar.until(({ log }) => log.filter(({ msg }) => msg === 'reloaded').length >= reloads);
      },
      /** So many WebSockets, one after the other: the counts decide each. */
      async open(count: number): Promise<WebSocket[]> {
        const sockets: WebSocket[] = [];
        for (let i = 0; i < count; i++) {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
          await once(socket, 'open');
          sockets.push(socket);
        }
        return sockets;
      },
      async rows(): Promise<{ endpoints: Row[]; leaving?: Row[] }> {
        const { clusters } = (await (await fetch(`http://${admin}/clusters`)).json()) as {
          clusters: { endpoints: Row[]; leaving?: Row[] }[];
        };
        return clusters[0]!;
      },
      async streams(): Promise<number[]> {
        return (await this.rows()).endpoints.map(({ streams }) => streams);
      },
      /** Resolves when so many are open in all. */
      async counted(total: number): Promise<void> {
        while ((await this.streams()).reduce((sum, count) => sum + count, 0) !== total);
      },
    };
  };

  const say = async (socket: WebSocket, text: string) => {
    socket.send(text);
    return String((await once(socket, 'message'))[0]);
  };
  const places = async (sockets: readonly WebSocket[]) =>
    new Set(await Promise.all(sockets.map((socket) => say(socket, 'who?'))));

  it('picks the emptiest after reloads with 500 sockets open, also where the balancer is made anew', async function () {
    this.timeout(30_000);
    const upstreams = await startThree();
    const [one, two, three] = upstreams as [UpstreamProcess, UpstreamProcess, UpstreamProcess];
    const sidecar = await start([one, two]);
    const sockets = await sidecar.open(500);
    expect(await sidecar.streams()).to.deep.equal([250, 250]);
    const names = await Promise.all(sockets.map((socket) => say(socket, 'who?')));
    const leaving = sockets.filter((_, i) => names[i] === 'two').slice(0, 40);
    for (const socket of leaving) socket.close();
    await sidecar.counted(460);

    await sidecar.reload([one, two], 'least-connections\n    timeouts: { response: 1m }');
    expect(await sidecar.streams()).to.deep.equal([250, 210]);
    const second = await sidecar.open(30);
    expect(await places(second)).to.deep.equal(new Set(['two']));

    await sidecar.reload([one, two, three]);
    const third = await sidecar.open(60);
    expect(await places(third)).to.deep.equal(new Set(['three']));
    await sidecar.reload([three, two, one], '{ policy: least-request, choices: all }');
    const fourth = await sidecar.open(20);
    expect(await places(fourth)).to.deep.equal(new Set(['three']));
    expect(await sidecar.streams()).to.deep.equal([80, 240, 250]);

    const open = [...sockets.filter((socket) => !leaving.includes(socket)), ...second, ...third, ...fourth];
    expect(await Promise.all(open.map((socket) => say(socket, 'still here?')))).to.deep.equal(
      open.map(() => 'still here?'),
    );
    for (const socket of open) socket.terminate();
  });

  it('keeps the sockets of who leaves the list, and counts them when it comes back', async function () {
    this.timeout(30_000);
    const upstreams = await startThree();
    const sidecar = await start(upstreams);
    const first = await sidecar.open(30);
    await sidecar.reload(upstreams.slice(1));
    const { endpoints, leaving } = await sidecar.rows();
    expect(endpoints.map(({ streams }) => streams)).to.deep.equal([10, 10]);
    expect(leaving).to.have.length(1);
    expect(leaving![0]).to.include({ address: upstreams[0]!.address, streams: 10 });
    const second = await sidecar.open(10);
    expect(await sidecar.streams()).to.deep.equal([15, 15]);
    await sidecar.reload(upstreams);
    expect(await sidecar.streams()).to.deep.equal([10, 15, 15]);
    const third = await sidecar.open(5);
    expect(await sidecar.streams()).to.deep.equal([15, 15, 15]);
    for (const socket of [...first, ...second, ...third]) {
      expect(await say(socket, 'still here?')).to.equal('still here?');
      socket.terminate();
    }
  });
});
