import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, ExtendedKeyUsage, writeAuthority, writePair } from '../support/certificates.ts';
import { curl, itWith, openssl, pythonWebSockets, testssl } from '../support/peers.ts';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  field,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';

const SPIFFE = 'spiffe://mesh.test/ns/a/sa/client';
const REQUEST = 'GET /hello HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';

describe('TLS, as independent programs speak it', () => {
  const scratch = new Scratch();
  const file = (name: string) => join(scratch.folder, name);
  let echo: Upstream;
  let chat: Upstream;
  let edge: number;
  let mutual: number;
  let admin: string;

  before(async () => {
    const authority = await Authority.create('mesh');
    writeAuthority(scratch.folder, 'ca', authority);
    writeAuthority(scratch.folder, 'stranger', await Authority.create('stranger'));
    const names = ['app.test', 'localhost', '127.0.0.1'];
    writePair(scratch.folder, 'app', await authority.issue({ names }));
    writePair(scratch.folder, 'app-rsa', await authority.issue({ names, rsa: true }));
    writePair(scratch.folder, 'client', await authority.issue({ uris: [SPIFFE], commonName: 'client' }));
    const uses = [ExtendedKeyUsage.serverAuth];
    writePair(scratch.folder, 'no-client', await authority.issue({ names: ['server.test'], uses }));
    writePair(scratch.folder, 'expired', await authority.issue({ names: ['late.test'], since: 20, days: -10 }));
    const stranger = await Authority.create('stranger');
    writePair(scratch.folder, 'unknown', await stranger.issue({ names: ['client.test'] }));
    echo = await echoUpstream();
    chat = await webSocketUpstream(echoMessages);
    const certificates = 'certificates: [{ cert: app.crt, key: app.key }, { cert: app-rsa.crt, key: app-rsa.key }]';
    const routes = 'routes: [{ match: { path: /ws }, cluster: chat }, { cluster: echo }]';
    const program = sidecarOn(
      scratch.write(
        'tls.yaml',
        `listeners:
  edge: { protocol: https, bind: "127.0.0.1:0", tls: { ${certificates} }, ${routes} }
  mutual: { protocol: https, bind: "127.0.0.1:0", tls: { ${certificates}, clientCa: ca.crt, clientAuth: require }, ${routes} }
clusters:
  chat: { endpoints: ["${chat.address}"] }
  echo: { endpoints: ["${echo.address}"] }
`,
      ),
    );
    edge = await program.port('edge');
    mutual = await program.port('mutual');
    admin = `http://${(await program.logged('ready'))['admin']}`;
  });
  after(async () => {
    await endPrograms();
    await Promise.all([echo.stop(), chat.stop()]);
    scratch.remove();
  });

  /** What `openssl s_client` says and hears; it sends one request where it gets so far. */
  async function client(port: number, ...args: string[]): Promise<{ code: number | null; said: string }> {
    const command = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'app.test', '-ign_eof', ...args];
    const program = new Program(openssl.path!, command, { stdin: 'pipe' });
    program.process.stdin?.on('error', () => {});
    program.process.stdin?.end(REQUEST);
    const { code } = await program.exit;
    return { code, said: program.stdout + program.stderr };
  }
  const trusting = () => ['-CAfile', file('ca.crt'), '-verify_return_error'];

  /** How often handshakes of a listener have failed, by cause. */
  async function failures(): Promise<Map<string, number>> {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return new Map(
      [...text.matchAll(/^outrigger_tls_handshakes_failed_total\{(.*)\} (\d+)$/gm)].map(([, labels, count]) => [
        `${/listener="(\w+)"/.exec(labels!)![1]} ${/cause="([\w-]+)"/.exec(labels!)![1]}`,
        Number(count),
      ]),
    );
  }
  /** Awaits that `cause` has been counted once more. */
  async function counts(cause: string, act: () => Promise<unknown>): Promise<void> {
    const before = (await failures()).get(cause) ?? 0;
    await act();
    while (((await failures()).get(cause) ?? 0) === before);
  }

  for (const [version, told] of [
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_3', 'TLSv1.3'],
  ] as const) {
    itWith(openssl, `openssl is served over ${told}, and agrees on http/1.1`, async () => {
      const { code, said } = await client(edge, ...trusting(), version, '-alpn', 'h2,http/1.1');
      expect(code, said).to.equal(0);
      expect(said).to.match(new RegExp(`New, ${told}, Cipher is (ECDHE-ECDSA-AES\\d+-GCM-SHA\\d+|TLS_AES)`));
      expect(said).to.include('ALPN protocol: http/1.1').and.include('Verify return code: 0 (ok)');
      expect(said).to.match(/HTTP\/1\.1 200 OK\r\n.*"url":"\/hello"/s);
    });

    itWith(openssl, `openssl resumes its session over ${told}`, async () => {
      const session = file(`session${version}`);
      expect((await client(edge, ...trusting(), version, '-sess_out', session)).said).to.include(`New, ${told}`);
      const { said } = await client(edge, ...trusting(), version, '-sess_in', session);
      expect(said).to.include(`Reused, ${told}`).and.include('HTTP/1.1 200 OK');
    });
  }

  for (const [algorithm, type] of [
    ['ECDSA+SHA256', 'ECDSA'],
    ['RSA-PSS+SHA256', 'RSA-PSS'],
  ] as const)
    itWith(openssl, `openssl is shown the certificate that it can read: ${type}`, async () => {
      const { said } = await client(edge, ...trusting(), '-sigalgs', algorithm);
      expect(said).to.include(`Peer signature type: ${type}`).and.include('HTTP/1.1 200 OK');
    });

  itWith(openssl, 'openssl may not renegotiate', async () => {
    const program = new Program(openssl.path!, ['s_client', '-connect', `127.0.0.1:${edge}`, '-tls1_2'], {
      stdin: 'pipe',
    });
    await program.until(({ stdout }) => stdout.includes('Verify return code'));
    program.process.stdin?.write('R\n');
    expect((await program.exit).code).to.equal(1);
    expect(program.stderr).to.include('no renegotiation');
  });

  const refused: readonly (readonly [what: string, cause: string, args: () => string[], said: RegExp])[] = [
    ['an ALPN offer without http/1.1', 'tls-no-protocol', () => ['-alpn', 'h2'], /alert no application protocol/],
    [
      'TLS 1.1',
      'tls-version',
      () => ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'],
      /alert protocol version|unsupported protocol|no protocols available/,
    ],
    [
      'a cipher without forward secrecy',
      'tls-no-shared-cipher',
      () => ['-tls1_2', '-cipher', 'AES128-SHA'],
      /handshake failure/,
    ],
    ['a curve that is not ours', 'tls-no-shared-cipher', () => ['-groups', 'P-521'], /handshake failure/],
    [
      'our certificate',
      'tls-refused',
      () => ['-CAfile', file('stranger.crt'), '-verify_return_error'],
      /unable to get (local )?issuer certificate|certificate verify failed/,
    ],
  ];
  for (const [what, cause, args, told] of refused)
    itWith(openssl, `openssl and we do not agree on ${what}: ${cause}`, async () => {
      await counts(`edge ${cause}`, async () => {
        const { code, said } = await client(edge, ...args());
        expect(code).not.to.equal(0);
        expect(said).to.match(told);
      });
      expect((await client(edge, ...trusting())).said).to.include('HTTP/1.1 200 OK');
    });

  const proofs: readonly (readonly [what: string, cause: string, pair: string | undefined])[] = [
    ['none', 'tls-client-certificate-missing', undefined],
    ['one of nobody knows whom', 'tls-client-certificate-unknown-ca', 'unknown'],
    ['one that has expired', 'tls-client-certificate-expired', 'expired'],
    ['one that is not for clients', 'tls-client-certificate-invalid', 'no-client'],
  ];
  for (const [what, cause, pair] of proofs)
    itWith(openssl, `openssl reads why its certificate does not let it in: ${what}`, async () => {
      await counts(`mutual ${cause}`, async () => {
        const own = pair === undefined ? [] : ['-cert', file(`${pair}.crt`), '-key', file(`${pair}.key`)];
        const { said } = await client(mutual, ...trusting(), ...own);
        expect(said)
          .to.match(/HTTP\/1\.1 400 Bad Request\r\n/)
          .and.include(`${cause}: `);
      });
    });

  const run = async (args: readonly string[]): Promise<string> => {
    const program = new Program(curl.path!, ['-sS', '--noproxy', '*', ...args]);
    const { code } = await program.exit;
    expect(code, program.stderr).to.equal(0);
    return program.stdout;
  };

  itWith(curl, 'curl proves who it is, and upstream hears it', async () => {
    const own = ['--cert', file('client.crt'), '--key', file('client.key')];
    const told = JSON.parse(await run(['--cacert', file('ca.crt'), ...own, `https://localhost:${mutual}/who`])) as Echo;
    expect(told.url).to.equal('/who');
    expect(field(told.headers, 'x-forwarded-proto')).to.equal('https');
    expect(field(told.headers, 'x-forwarded-client-cert')).to.match(
      new RegExp(`^Hash=[0-9a-f]{64};Subject="O=Outrigger,CN=client";URI=${SPIFFE}$`),
    );
  });

  itWith(curl, 'curl, without TLS, reads why that is refused', async () => {
    await counts('edge tls-plaintext', async () => {
      expect(await run([`http://127.0.0.1:${edge}/`])).to.match(/^tls-plaintext: /);
    });
  });

  it('ws talks over WSS, with a certificate and without', async () => {
    const own = { cert: readFileSync(file('client.crt')), key: readFileSync(file('client.key')) };
    for (const [port, proof] of [
      [edge, {}],
      [mutual, own],
    ] as const) {
      const socket = new WebSocket(`wss://localhost:${port}/ws`, { ca: readFileSync(file('ca.crt')), ...proof });
      await once(socket, 'open');
      for (const text of ['hello', 'x'.repeat(300_000)]) {
        socket.send(text);
        expect(String((await once(socket, 'message'))[0]) === text).to.equal(true);
      }
      socket.close(1000);
      expect((await once(socket, 'close'))[0]).to.equal(1000);
    }
  });

  itWith(pythonWebSockets, "Python's websockets talks over WSS", async () => {
    const script = `import asyncio, ssl, websockets
async def main():
    context = ssl.create_default_context(cafile="${file('ca.crt')}")
    async with websockets.connect("wss://localhost:${edge}/ws", ssl=context, max_size=None) as socket:
        for message in ["hello", b"\\x00\\xff" * 10, "x" * 1000000]:
            await socket.send(message)
            assert await socket.recv() == message
    print(socket.close_code)
asyncio.run(main())
`;
    const program = new Program(pythonWebSockets.path!, ['-c', script]);
    const { code } = await program.exit;
    expect([code, program.stdout], program.stderr).to.deep.equal([0, '1000\n']);
  });

  // What it says of certificates is a matter of this test's authority.
  itWith([testssl, openssl], 'testssl.sh finds nothing of severity HIGH', async function () {
    this.timeout(60_000);
    const checks = ['-p', '-s', '-f', '--renegotiation', '--robot', '--ccs-injection', '--heartbleed', '--ticketbleed'];
    const output = [
      '--quiet',
      '--color',
      '0',
      '--warnings',
      'off',
      '--severity',
      'HIGH',
      '--jsonfile',
      file('testssl.json'),
    ];
    const more = ['--fast', '--openssl', openssl.path!, '--add-ca', file('ca.crt')];
    const program = new Program(testssl.path!, [...output, ...more, ...checks, `localhost:${edge}`]);
    await program.exit;
    expect(program.stdout)
      .to.match(/TLS 1\.3 +offered/)
      .and.match(/Renegotiation +not vulnerable/);
    const findings = JSON.parse(readFileSync(file('testssl.json'), 'utf8')) as { id: string; severity: string }[];
    expect(findings).to.deep.equal([]);
  });
});
