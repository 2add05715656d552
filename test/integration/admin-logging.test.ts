import { expect } from 'chai';
import { sidecarOn } from '../support/program.ts';
import { scratchForPrograms, shortest } from '../support/scratch.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

/** Keeps the logger that it got at the start, as plugins do. */
const PLUGIN = `import { ConnectionHooks, definePlugin, Logger } from '@outrigger/core';
export default definePlugin({
  name: 'chatty',
  bind(bind) {
    const hooks = (logger) => ({ onRequest: ({ request }) => logger.debug('asked', { path: request.path }) });
    bind(ConnectionHooks).toResolvedValue((logger) => hooks(logger.child({ plugin: 'chatty' })), [Logger]);
  },
});
`;

describe('the log level, changed while a sidecar runs', () => {
  const scratch = scratchForPrograms({ 'chatty.ts': PLUGIN });
  let upstream: Upstream;
  beforeEach(async () => {
    upstream = await httpUpstream((_request, response) => response.end('good'));
  });
  afterEach(() => upstream.stop());

  it("holds for plugins' loggers at once, and through reloads", async () => {
    const plugins = 'plugins: [./chatty.ts]\n';
    const file = scratch.write('o.yaml', shortest([upstream.address], plugins));
    const program = sidecarOn(file);
    const port = await program.port();
    const { admin } = await program.logged('ready');
    const level = async (query: string) =>
      (await fetch(`http://${admin}/logging${query}`, { method: query === '' ? 'GET' : 'POST' })).json();
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    const asked = () => program.log.filter(({ msg }) => msg === 'asked').map(({ path }) => path);

    expect(await level('')).to.deep.equal({ level: 'info' });
    await ask('/unheard');
    await level('?level=debug');
    await ask('/heard');
    await program.logged('asked');
    expect(asked()).to.deep.equal(['/heard']);

    scratch.write('o.yaml', `drain: { rate: 7 }\n${shortest([upstream.address], plugins)}`);
    program.kill('SIGHUP');
    await program.logged('reloaded');
    expect(await level('')).to.deep.equal({ level: 'debug' });
    await ask('/after');
    await program.until(() => asked().length === 2);

    await level('?level=error');
    await ask('/silent');
    // Lines are in order: what was to be silent would stand before the next one.
    await level('?level=debug');
    await ask('/loud');
    await program.until(() => asked().includes('/loud'));
    expect(asked()).to.deep.equal(['/heard', '/after', '/loud']);
  });
});
