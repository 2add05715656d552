import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, type Pair, writePair } from '../support/certificates.ts';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { echoMessages, echoUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const SWAPS = 50;
/** Every tenth is bad. */
const BAD = 10;
/** Every third is left to the file system's events, which are waited for; the others are told by SIGHUP. */
const WATCHED = 3;

describe('fifty changes of a certificate, five of them bad', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  let authority: Authority;
  let echo: Upstream;
  let chat: Upstream;
  let program: Program;
  let port: number;
  let admin: string;
  let files: { cert: string; key: string };

  const issue = (more: object = {}) => authority.issue({ names: ['127.0.0.1'], ...more });
  before(async () => {
    authority = await Authority.create();
    echo = await echoUpstream();
    chat = await webSocketUpstream(echoMessages);
    files = writePair(scratch.folder, 'own', await issue());
    program = sidecarOn(
      scratch.write(
        'swaps.yaml',
        `listeners:
  edge:
    protocol: https
    bind: "127.0.0.1:0"
    tls: { certificates: [{ cert: own.crt, key: own.key }] }
    routes: [{ match: { path: /ws }, cluster: chat }, { cluster: echo }]
clusters:
  chat: { endpoints: ["${chat.address}"] }
  echo: { endpoints: ["${echo.address}"] }
`,
      ),
    );
    port = await program.port('edge');
    admin = `http://${(await program.logged('ready'))['admin']}`;
  });
  after(async () => {
    await endPrograms();
    await Promise.all([echo.stop(), chat.stop()]);
    scratch.remove();
  });

  /** One handshake and one request on a connection of its own; resolves to the certificate that was shown. */
  async function shown(): Promise<string> {
    const call = request({ port, host: '127.0.0.1', ca: authority.cert, agent: false });
    call.end();
    const [response] = await once(call, 'response');
    const { fingerprint256 } = (response.socket as TLSSocket).getPeerX509Certificate()!;
    await response.resume().toArray();
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
    return fingerprint256;
  }

  /** Connections come and go, four at a time. */
  function load() {
    const counted = { handshakes: 0, failures: [] as string[] };
    let going = true;
    const loops = Array.from({ length: 4 }, async () => {
      while (going)
        await shown().then(
          () => counted.handshakes++,
          (error: Error) => counted.failures.push(error.message),
        );
    });
    return {
      async stop() {
        going = false;
        await Promise.all(loops);
        return counted;
      },
    };
  }

  /** A WebSocket that says something without end. */
  async function talk(): Promise<{ socket: WebSocket; heard: () => number }> {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, { ca: authority.cert });
    let heard = 0;
    await once(socket, 'open');
    socket.on('message', (data) => {
      if (String(data) !== `message ${heard}`) socket.terminate();
      heard++;
      setImmediate(() => socket.send(`message ${heard}`));
    });
    socket.send('message 0');
    return { socket, heard: () => heard };
  }

  const lines = (message: string) => program.log.filter(({ msg }) => msg.startsWith(message)).length;
  const swapped = () => lines('certificates swapped');
  const refused = () => lines('changed certificate files are refused');
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  const wrong: readonly (() => Promise<Pair | undefined>)[] = [
    async () => ({ ...(await issue()), key: (await issue()).key }),
    async () => ({ ...(await issue()), cert: 'no certificate' }),
    () => issue({ since: 20, days: -10 }),
    () => issue({ since: -10 }),
    async () => undefined,
  ];

  it('shows the good ones to new connections, fails no handshake, and leaves open WebSockets alone', async function () {
    const traffic = load();
    const talks = await Promise.all([1, 2, 3, 4].map(talk));
    let current = await shown();
    let bad = 0;
    for (let i = 1; i <= SWAPS; i++) {
      const isBad = i % BAD === 0;
      const pair = isBad ? await wrong[bad++]!() : await issue();
      const before = { swapped: swapped(), refused: refused() };
      if (pair === undefined) rmSync(files.key);
      else {
        writeFileSync(files.cert, pair.cert);
        writeFileSync(files.key, pair.key);
      }
      if (i % WATCHED !== 0) program.kill('SIGHUP');
      await program.until(() => swapped() + refused() > before.swapped + before.refused);
      expect([swapped() - before.swapped, refused() - before.refused], `change ${i}`).to.deep.equal(
        isBad ? [0, 1] : [1, 0],
      );
      const next = await shown();
      expect(next === current, `change ${i}`).to.equal(isBad);
      current = next;
      expect(await metric('outrigger_tls_certificate_refused{listener="edge"}'), `change ${i}`).to.equal(isBad ? 1 : 0);
    }
    const { handshakes, failures } = await traffic.stop();
    expect(failures).to.deep.equal([]);
    expect(handshakes).to.be.above(SWAPS);
    for (const { socket, heard } of talks) {
      expect(socket.readyState).to.equal(WebSocket.OPEN);
      expect(heard()).to.be.above(SWAPS);
      socket.close();
    }
    expect([swapped(), refused()]).to.deep.equal([45, 5]);
    const changes = (result: string) => `outrigger_tls_certificate_changes_total{listener="edge",result="${result}"}`;
    expect(await metric(changes('swapped'))).to.equal(45);
    expect(await metric(changes('refused'))).to.equal(5);
    expect(lines('TLS handshake failed')).to.equal(0);
    this.test!.title += ` (${handshakes} handshakes meanwhile)`;
  });
});
