import { once } from 'node:events';
import { request } from 'node:https';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, type Pair, writePair } from '../support/certificates.ts';
import { curl, itWith } from '../support/peers.ts';
import { Program } from '../support/program.ts';
import { exchange, RawClient } from '../support/raw-client.ts';
import { Scratch } from '../support/scratch.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  field,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';
import { eventually } from '../support/virtual-time.ts';

describe('HTTPS termination', () => {
  let authority: Authority;
  const scratch = new Scratch();
  let certificates: { cert: string; key: string; passphraseFile?: string; passphrase?: string }[];
  let upstream: Upstream;
  let sidecar: TestSidecar | undefined;
  const sockets: TLSSocket[] = [];

  before(async () => {
    authority = await Authority.create();
    const pairs: Record<string, Pair> = {
      default: await authority.issue({ names: ['default.test', '127.0.0.1', 'localhost'] }),
      exact: await authority.issue({ names: ['a.example.test'] }),
      wildcard: await authority.issue({ names: ['*.example.test'] }),
      rsa: await authority.issue({ names: ['default.test', '127.0.0.1', 'localhost'], rsa: true }),
    };
    certificates = Object.entries(pairs).map(([name, pair]) => writePair(scratch.folder, name, pair));
    upstream = await echoUpstream();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await sidecar?.stop();
    sidecar = undefined;
  });
  after(async () => {
    await upstream.stop();
    scratch.remove();
  });

  async function start(tls: object = {}, more: Partial<SidecarOptions> = {}): Promise<TestSidecar> {
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      ...more,
      listener: { tls: { certificates, ...tls }, ...more.listener },
    });
    return sidecar;
  }

  /** Resolves when the handshake is over; rejects with what made it fail. */
  async function handshake(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({
      port: sidecar!.port,
      host: '127.0.0.1',
      ca: authority.cert,
      ...options,
    } as ConnectionOptions);
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  }

  async function failureOf(options: ConnectionOptions): Promise<string> {
    try {
      await handshake(options);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
    throw new Error('the handshake succeeded');
  }

  /** What the sidecar logged of failed handshakes. */
  const causes = () =>
    sidecar!.logs.filter(({ message }) => message === 'TLS handshake failed').map(({ cause }) => cause);
  const cause = async (wanted: string) => {
    await eventually(() => causes().length > 0);
    expect(causes()).to.deep.equal([wanted]);
  };

  async function ask(path = '/', options: object = {}): Promise<{ status: number; echo: Echo; socket: TLSSocket }> {
    const call = request({
      port: sidecar!.port,
      host: '127.0.0.1',
      path,
      ca: authority.cert,
      agent: false,
      ...options,
    });
    call.end();
    const [response] = await once(call, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return {
      status: response.statusCode,
      echo: text.startsWith('{') ? JSON.parse(text) : text,
      socket: response.socket,
    };
  }

  const nameOf = (socket: TLSSocket) => socket.getPeerX509Certificate()!.subjectAltName!;

  it('serves requests, and tells upstream that they came over HTTPS', async () => {
    await start();
    const { status, echo } = await ask('/x');
    expect([status, echo.url]).to.deep.equal([200, '/x']);
    expect(field(echo.headers, 'x-forwarded-proto')).to.equal('https');
    expect(field(echo.headers, 'x-forwarded-for')).to.equal('127.0.0.1');
  });

  it('serves WebSockets on the same port without a switch', async () => {
    const chat = await webSocketUpstream(echoMessages);
    try {
      await start({}, { endpoints: [chat.address] });
      const socket = new WebSocket(`wss://127.0.0.1:${sidecar!.port}/ws`, { ca: authority.cert });
      await once(socket, 'open');
      for (const size of [5, 70_000, 1 << 20]) {
        socket.send(Buffer.alloc(size, 7));
        const [data] = await once(socket, 'message');
        expect((data as Buffer).equals(Buffer.alloc(size, 7)), `${size} bytes`).to.equal(true);
      }
      socket.close(1000);
      await once(socket, 'close');
    } finally {
      await sidecar!.stop();
      await chat.stop();
    }
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`speaks ${version}`, async () => {
      await start();
      const socket = await handshake({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).to.equal(version);
    });
  }

  it('speaks nothing below minVersion, and says why in its log', async () => {
    await start({ minVersion: 'TLSv1.3' });
    expect(await failureOf({ maxVersion: 'TLSv1.2' })).to.equal('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await cause('tls-version');
  });

  it('refuses a client that shares no cipher with it', async () => {
    await start();
    const failure = await failureOf({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' });
    expect(failure).to.match(/HANDSHAKE_FAILURE/);
    await cause('tls-no-shared-cipher');
  });

  it('refuses a client that shares no curve with it', async () => {
    await start({ curves: 'X25519' });
    expect(await failureOf({ ecdhCurve: 'secp521r1' })).to.match(/HANDSHAKE_FAILURE/);
    await cause('tls-no-shared-cipher');
  });

  const names: readonly (readonly [asked: string, shown: string])[] = [
    ['a.example.test', 'DNS:a.example.test'],
    ['A.Example.TEST', 'DNS:a.example.test'],
    ['b.example.test', 'DNS:*.example.test'],
    ['default.test', 'DNS:default.test, IP Address:127.0.0.1, DNS:localhost'],
  ];
  for (const [asked, shown] of names) {
    it(`shows to who asks for ${asked} the certificate for ${shown.split(',')[0]}`, async () => {
      await start();
      expect(nameOf(await handshake({ servername: asked }))).to.have.string(shown.split(',')[0]!.slice(4));
    });
  }
  for (const asked of ['x.b.example.test', 'example.test', 'elsewhere.test', undefined]) {
    it(`shows the first certificate to who asks for ${asked ?? 'no name'}`, async () => {
      await start();
      const socket = await handshake({ ...(asked && { servername: asked }), rejectUnauthorized: false });
      expect(nameOf(socket)).to.have.string('default.test');
    });
  }

  for (const [type, sigalgs] of [
    ['ec', 'ECDSA+SHA256'],
    ['rsa', 'RSA-PSS+SHA256'],
  ] as const) {
    it(`shows of two certificates for one name the ${type} one to who can read that alone`, async () => {
      await start();
      const socket = await handshake({ servername: 'default.test', sigalgs });
      expect(socket.getPeerX509Certificate()!.publicKey.asymmetricKeyType).to.equal(type);
    });
  }

  for (const [type, sigalgs] of [
    ['ec', 'ECDSA+SHA256'],
    ['rsa', 'RSA-PSS+SHA256'],
  ] as const) {
    it(`shows of two certificates for another name, too, the ${type} one to who can read that alone`, async () => {
      const names = ['pair.test', '*.pair.test'];
      const files = [
        writePair(scratch.folder, 'pair-ec', await authority.issue({ names })),
        writePair(scratch.folder, 'pair-rsa', await authority.issue({ names, rsa: true })),
      ];
      await start({ certificates: [certificates[0]!, ...files] });
      for (const servername of ['pair.test', 'a.pair.test']) {
        const socket = await handshake({ servername, sigalgs });
        expect(socket.getPeerX509Certificate()!.publicKey.asymmetricKeyType).to.equal(type);
      }
    });
  }

  it('resumes sessions of a name other than the first', async () => {
    await start();
    const options = { servername: 'a.example.test', maxVersion: 'TLSv1.2' as const };
    const session = (await handshake(options)).getSession()!;
    expect((await handshake({ ...options, session })).isSessionReused()).to.equal(true);
  });

  it('reads a first message that comes byte by byte, in records of one byte each', async () => {
    await start();
    const sink = createServer().listen(0, '127.0.0.1');
    await once(sink, 'listening');
    const { port } = sink.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', servername: 'a.example.test', ca: authority.cert });
    client.on('error', () => {});
    const [near] = (await once(sink, 'connection')) as [Socket];
    const far = connectPlain(sidecar!.port, '127.0.0.1').setNoDelay();
    far.on('data', (bytes) => near.write(bytes));
    near.once('data', (hello: Buffer) => {
      for (const byte of hello.subarray(5)) far.write(Buffer.from([0x16, 3, 1, 0, 1, byte]));
      near.on('data', (bytes: Buffer) => far.write(bytes));
    });
    await once(client, 'secureConnect');
    expect(nameOf(client)).to.equal('DNS:a.example.test');
    for (const socket of [client, near, far]) socket.destroy();
    sink.close();
  });

  it('agrees on http/1.1 by ALPN, also where the client would rather have another', async () => {
    await start();
    const socket = await handshake({ ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).to.equal('http/1.1');
  });

  it('refuses a client whose ALPN offer has nothing that it speaks', async () => {
    await start();
    expect(await failureOf({ ALPNProtocols: ['h2', 'foo'] })).to.equal('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    await cause('tls-no-protocol');
  });

  it('writes one line of a handshake that has failed', async () => {
    await start();
    const before = sidecar!.logs.length;
    const client = await RawClient.connect(sidecar!.port);
    client.send(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 40]), Buffer.alloc(40, 9)]));
    await client.untilEnd();
    // What follows on the next connection comes behind whatever was still to be told.
    expect((await ask()).status).to.equal(200);
    expect(sidecar!.logs.slice(before).map(({ message }) => message)).to.deep.equal(['TLS handshake failed']);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`resumes sessions by tickets over ${version}`, async () => {
      await start();
      const first = await handshake({ maxVersion: version });
      // TLS 1.3 sends its tickets behind the handshake.
      const ticket = version === 'TLSv1.3' ? once(first, 'session') : [first.getSession()];
      first.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      const [session] = (await ticket) as [Buffer];
      const second = await handshake({ maxVersion: version, session });
      expect(second.isSessionReused()).to.equal(true);
    });
  }

  it('resumes no session once the key of the tickets has been rotated', async () => {
    const clock = new VirtualClock();
    await start({}, { clock, https: { tickets: { rotation: 3_600_000 } } });
    const first = await handshake({ maxVersion: 'TLSv1.2' });
    const session = first.getSession()!;
    expect((await handshake({ maxVersion: 'TLSv1.2', session })).isSessionReused()).to.equal(true);
    clock.advance(3_700_000);
    expect((await handshake({ maxVersion: 'TLSv1.2', session })).isSessionReused()).to.equal(false);
  });

  it('answers who speaks plain HTTP with 400, in plain text', async () => {
    await start();
    const answer = await exchange(sidecar!.port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).to.include('tls-plaintext: ');
    await cause('tls-plaintext');
  });

  it('closes a connection whose handshake is not over in 10 s, and no other one', async () => {
    const clock = new VirtualClock();
    await start({}, { clock });
    const good = await handshake();
    const silent = await RawClient.connect(sidecar!.port);
    const halfway = await RawClient.connect(sidecar!.port);
    halfway.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    await eventually(() => sidecar!.runtime.listenerStates()[0]!.connections === 1);
    // The sockets are accepted in this turn or the next ones.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(9_800);
    expect([silent.ended, halfway.ended]).to.deep.equal([false, false]);
    clock.advance(500);
    await Promise.all([silent.untilEnd(), halfway.untilEnd()]);
    expect(causes()).to.deep.equal(['tls-handshake-timeout']);
    good.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const [bytes] = await once(good, 'data');
    expect(String(bytes)).to.match(/^HTTP\/1\.1 200 /);
  });

  it('cuts the oldest handshake where too many are under way, so that a flood keeps nobody out', async () => {
    await start({}, { https: { handshake: { timeout: 10_000, pending: 2 } } });
    const flood = await Promise.all([1, 2, 3, 4, 5].map(() => RawClient.connect(sidecar!.port)));
    await eventually(() => flood.filter(({ ended }) => ended).length === 3);
    expect((await ask()).status).to.equal(200);
    expect(causes()[0]).to.equal('tls-handshake-limit');
    for (const client of flood) client.destroy();
  });

  it('counts who leaves in the middle of the handshake, and goes on', async () => {
    await start();
    const client = await RawClient.connect(sidecar!.port);
    client.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    client.destroy();
    await cause('tls-aborted');
    expect((await ask()).status).to.equal(200);
  });

  it('refuses a handshake that is none, and goes on', async () => {
    await start();
    const client = await RawClient.connect(sidecar!.port);
    client.send(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 40]), Buffer.alloc(40, 9)]));
    await client.untilEnd();
    await cause('tls-handshake');
    expect((await ask()).status).to.equal(200);
  });

  it('hears that a client did not accept its certificate', async () => {
    await start();
    expect(await failureOf({ ca: (await Authority.create('another')).cert })).to.match(/UNABLE_TO|SELF_SIGNED/);
    // Node's client closes without an alert.
    await eventually(() => sidecar!.runtime.listenerStates()[0]!.connections === 0);
    expect((await ask()).status).to.equal(200);
  });

  for (const how of ['passphrase', 'passphraseFile'] as const) {
    it(`reads an encrypted key by its ${how}`, async () => {
      const pair = await authority.issue({ names: ['locked.test'] });
      const key = pair.privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'open sesame',
      });
      const files = writePair(scratch.folder, `locked-${how}`, { ...pair, key: key as string });
      const secret = how === 'passphrase' ? 'open sesame' : scratch.write('passphrase', 'open sesame\n');
      await start({ certificates: [{ ...files, [how]: secret }] });
      expect(nameOf(await handshake({ servername: 'locked.test' }))).to.equal('DNS:locked.test');
    });
  }

  const faults: readonly (readonly [what: string, tls: () => object, message: RegExp])[] = [
    ['no certificate', () => ({ certificates: [] }), /needs tls: \{ certificates/],
    [
      'a key of another certificate',
      () => ({ certificates: [{ cert: certificates[0]!.cert, key: certificates[1]!.key }] }),
      /exact\.key is not the key of the certificate in .*default\.crt/,
    ],
    [
      'a file that is no certificate',
      () => ({ certificates: [{ cert: certificates[0]!.key, key: certificates[0]!.key }] }),
      /default\.key holds no certificate/,
    ],
    [
      'a file that is not there',
      () => ({ certificates: [{ cert: '/no/such', key: '/no/such' }] }),
      /cannot be read: ENOENT/,
    ],
    ['ciphers that do not exist', () => ({ ciphers: 'NONSENSE' }), /cipher/i],
    ['client certificates without an authority', () => ({ clientAuth: 'require' }), /needs tls\.clientCa/],
  ];
  for (const [what, tls, message] of faults) {
    it(`does not start with ${what}`, async () => {
      const failure = await start(tls()).then(
        () => undefined,
        (error: Error) => error,
      );
      expect(failure?.message).to.match(message);
    });
  }

  it('goes on with a WebSocket whose client leaves by a reset of TCP, and books the session once', async () => {
    const chat = await webSocketUpstream(echoMessages);
    const ends: string[] = [];
    try {
      await start(
        {},
        { endpoints: [chat.address], hooks: { onSessionEnd: (_session, outcome) => void ends.push(outcome.cause) } },
      );
      const socket = new WebSocket(`wss://127.0.0.1:${sidecar!.port}/ws`, { ca: authority.cert });
      socket.on('error', () => {});
      await once(socket, 'open');
      socket.terminate();
      await sidecar!.runtime.sessions.none();
      expect(ends).to.have.length(1);
      expect(ends[0]).to.match(/^downstream-(reset|closed)$/);
    } finally {
      await sidecar!.stop();
      await chat.stop();
    }
  });

  it('ends within its deadline when it drains, handshakes under way included', async () => {
    await start();
    const silent = await RawClient.connect(sidecar!.port);
    const idle = await handshake();
    const ended = once(idle, 'end');
    idle.resume();
    await sidecar!.runtime.drain();
    await ended;
    await silent.untilEnd();
  });

  itWith(curl, 'is understood by curl', async () => {
    await start();
    const ca = scratch.write('ca.crt', authority.cert);
    const program = new Program(curl.path!, [
      '-sS',
      '--noproxy',
      '*',
      '--cacert',
      ca,
      '--resolve',
      `a.example.test:${sidecar!.port}:127.0.0.1`,
      `https://a.example.test:${sidecar!.port}/curl`,
    ]);
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    expect(JSON.parse(program.stdout).url).to.equal('/curl');
  });
});
