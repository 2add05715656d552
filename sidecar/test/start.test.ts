import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ClientOptions, WebSocket } from 'ws';
import { curl, itWith, npm } from '../../test/support/peers.ts';
import { endPrograms, outrigger, Program, ROOT, runToEnd } from '../../test/support/program.ts';
import { Scratch, shortest } from '../../test/support/scratch.ts';
import { echoUpstream } from '../../test/support/upstreams.ts';

/** Marks the processes that a test starts, however deep. */
const MARK = `outrigger-start-test-${process.pid}`;

/** Those of them that still run. */
function marked(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(MARK);
    } catch {
      return false;
    }
  });
}

/** Whether somebody accepts there. */
async function accepts(address: string): Promise<boolean> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** What the demo says it has started. */
const welcomed = (program: Program) => program.until(({ stdout }) => stdout.includes('Ctrl-C') && parse(stdout));
function parse(stdout: string) {
  const url = /open (http:\/\/127\.0\.0\.1:\d+)\//.exec(stdout)![1]!;
  const secure = /^Over TLS .*(https:\/\/localhost:\d+)\/$/m.exec(stdout)![1]!;
  const ca = /^Its certificate is of (.+\/ca\.crt):/m.exec(stdout)![1]!;
  const services = [...stdout.matchAll(/^ {2}\S+ +(127\.0\.0\.1:\d+)/gm)].map((match) => match[1]!);
  const commands = [...stdout.matchAll(/^ {2}(curl .+?)(?: +#.*)?$/gm)].map((match) => match[1]!);
  const file = /^The same as a file.*\n((?: {2}.*\n)+)/m.exec(stdout)![1]!.replace(/^ {2}/gm, '');
  return { url, secure, ca, services, commands, file };
}

/** A client of the chat that knows which instance serves it. */
async function enter(url: string, options: ClientOptions = {}): Promise<{ instance: string; socket: WebSocket }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, options);
  const [hello] = (await once(socket, 'message')) as [Buffer];
  return { instance: (JSON.parse(String(hello)) as { instance: string }).instance, socket };
}

/** The next thing that is said and holds. */
async function hears(socket: WebSocket, text: string): Promise<{ instance: string }> {
  for (;;) {
    const [data] = (await once(socket, 'message')) as [Buffer];
    const line = JSON.parse(String(data)) as { instance: string; text?: string };
    if (line.text === text) return line;
  }
}

describe('npm start', () => {
  const scratch = new Scratch();
  after(async () => {
    await endPrograms();
    scratch.remove();
  });
  const npmStart = (...args: string[]) =>
    new Program(npm.path!, ['start', ...(args.length > 0 ? ['--', ...args] : [])], {
      group: true,
      env: { OUTRIGGER_MARK: MARK },
    });

  describe('alone', function () {
    this.timeout(20_000);
    let program: Program;
    let said: ReturnType<typeof parse>;
    before(async function () {
      if (npm.path === undefined) return this.skip();
      program = npmStart();
      said = await welcomed(program);
    });

    it('says where everything is: three services, and one address that serves the page', async () => {
      expect(said.services.length).to.equal(3);
      const response = await fetch(said.url);
      expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
      expect(response.headers.get('via')).to.include('outrigger');
      expect(await response.text()).to.include('<title>Outrigger demo</title>');
    });

    itWith(curl, 'shows commands that work', async () => {
      expect(said.commands.length).to.be.within(3, 6);
      const answers: string[] = [];
      for (const command of said.commands) {
        const asked = new Program('sh', ['-c', `exec ${command}`]);
        answers.push(await asked.until(({ stdout }) => stdout.endsWith('\n') && stdout));
        asked.kill('SIGTERM');
        await asked.exit;
      }
      const all = answers.join('');
      expect(all).to.match(/"time":"\d{4}-/);
      expect(all).to.match(/"body":"hello"/);
      expect(all).to.match(/^data: \d{4}-/m);
      expect(all).to.match(/"sessions": \[/);
      expect(all).to.match(/^outrigger_\w+/m);
    });

    it('shows a file that does the same, with certificates of outrigger cert', async () => {
      const file = scratch.write('demo.yaml', said.file);
      expect((await runToEnd(['cert', '--out', join(scratch.folder, 'tls')])).code).to.equal(0);
      const { code, stderr } = await runToEnd(['check', '-c', file]);
      expect([code, stderr]).to.deep.equal([0, '']);
    });

    it('serves HTTPS and WSS to who trusts the authority that it names', async () => {
      const ca = readFileSync(said.ca);
      const call = request(`${said.secure}/api/echo`, { ca, method: 'POST' });
      call.end('hello');
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      const { headers } = JSON.parse(String(await response.toArray())) as { headers: Record<string, string> };
      expect(headers['x-forwarded-proto']).to.equal('https');
      const { socket } = await enter(said.secure, { ca });
      const heard = hears(socket, 'ahoy over TLS');
      socket.send('ahoy over TLS');
      await heard;
      socket.close();
      const refused = new WebSocket(`${said.secure.replace('http', 'ws')}/ws`);
      expect(((await once(refused, 'error')) as [NodeJS.ErrnoException])[0].code).to.match(/VERIFY|SELF_SIGNED|UNABLE/);
    });

    it('chats by WebSocket, across both instances', async () => {
      const clients = [await enter(said.url)];
      // Other connections take their turn, too: the demo's own, say.
      while (clients.length < 6 && new Set(clients.map(({ instance }) => instance)).size < 2)
        clients.push(await enter(said.url));
      const [first, last] = [clients[0]!, clients.at(-1)!];
      expect([first.instance, last.instance].sort()).to.deep.equal(['chat-1', 'chat-2']);
      const heard = [hears(first.socket, 'ahoy'), hears(last.socket, 'ahoy')];
      last.socket.send('ahoy');
      expect((await Promise.all(heard)).map(({ instance }) => instance)).to.deep.equal([last.instance, last.instance]);
      for (const { socket } of clients) socket.close();
    });

    it('ends with 0 on Ctrl-C, closes what is open with 1001, and leaves no process behind', async () => {
      const { socket } = await enter(said.url);
      const closed = once(socket, 'close');
      const events = (await fetch(`${said.url}/api/events`)).text();
      program.killGroup('SIGINT');
      expect((await closed)[0]).to.equal(1001);
      expect(await events).to.match(/^data: .*\n\n$/s);
      expect(await program.exit).to.deep.equal({ code: 0, signal: null });
      for (const address of [said.url.slice(7), said.secure.slice(8), ...said.services])
        expect(await accepts(address), address).to.equal(false);
      expect(existsSync(said.ca)).to.equal(false);
      if (existsSync('/proc/self/environ')) expect(marked()).to.deep.equal([]);
    });
  });

  itWith(npm, 'with arguments runs outrigger with them', async () => {
    const upstream = await echoUpstream();
    const file = scratch.write('outrigger.yaml', shortest([upstream.address]));
    const program = npmStart('-c', file, '--set', 'admin.bind=127.0.0.1:0');
    expect((await fetch(`http://127.0.0.1:${await program.port()}/`)).status).to.equal(200);
    program.killGroup('SIGINT');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    await upstream.stop();
  });

  itWith(npm, 'passes a SIGTERM on that reaches npm alone', async () => {
    const program = npmStart();
    const { url } = await welcomed(program);
    program.kill('SIGTERM');
    await program.exit;
    expect(await accepts(url.slice(7))).to.equal(false);
    if (existsSync('/proc/self/environ')) expect(marked()).to.deep.equal([]);
  });

  it('has little to do where everything is fresh', async function () {
    const at = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    this.test!.title += `: set-up took ${Math.round(performance.now() - at)} ms`;
    expect([status, stdout, stderr]).to.deep.equal([0, '', '']);
  });

  it('leaves no service behind where the sidecar is killed', async () => {
    const program = outrigger(['demo']);
    const { services } = await welcomed(program);
    const sockets = services.map((address) => connect(Number(address.split(':')[1]), '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    // A reset is an end, too; `once` would throw it.
    const ended = sockets.map(
      (socket) =>
        new Promise((resolve) =>
          socket
            .resume()
            .on('error', () => {})
            .on('close', resolve),
        ),
    );
    program.kill('SIGKILL');
    await Promise.all(ended);
    for (const address of services) expect(await accepts(address), address).to.equal(false);
  });
});
