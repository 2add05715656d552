import { expect } from 'chai';
import { endPrograms, runToEnd, sidecarOn } from '../support/program.ts';
import { filesBelow, read } from '../support/tree.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

/** How each example is asked: `Host` and path → the cluster that answers. Its clusters' endpoints are replaced by the test's. */
const EXAMPLES: Readonly<
  Record<
    string,
    { clusters: readonly string[]; asks: readonly (readonly [string, string, string])[]; set?: readonly string[] }
  >
> = {
  'examples/everything.yaml': {
    clusters: ['app', 'chat'],
    asks: [
      ['localhost', '/', 'app'],
      ['chat.example.com', '/ws', 'app'],
      ['chat.example.com', '/healthz', 'app'],
    ],
    set: ['probes.bind=127.0.0.1:0', 'listeners.inbound.bind=127.0.0.1:0', 'listeners.outbound.bind=127.0.0.1:0'],
  },
  'examples/websocket-and-http.yaml': {
    clusters: ['chat', 'web'],
    asks: [
      ['localhost', '/ws', 'chat'],
      ['localhost', '/ws/room', 'chat'],
      ['shop.example.com', '/', 'web'],
      ['localhost', '/wsx', 'web'],
    ],
  },
};

describe('examples', () => {
  const files = filesBelow('examples').filter((file) => file.endsWith('.yaml'));
  afterEach(endPrograms);

  it('are all run here', () => {
    expect(files).to.deep.equal(Object.keys(EXAMPLES).sort());
  });

  for (const [file, { clusters, asks, set: more = [] }] of Object.entries(EXAMPLES)) {
    describe(file, () => {
      const upstreams: Upstream[] = [];
      after(async () => void (await Promise.all(upstreams.map((upstream) => upstream.stop()))));

      it('begins with its schema, for editors', () => {
        expect(read(file)).to.match(/^# yaml-language-server: \$schema=\S+\n/);
      });

      it('is valid as it stands', async () => {
        const { code, stderr } = await runToEnd(['check', '-c', file]);
        expect([code, stderr]).to.deep.equal([0, '']);
      });

      it('runs, and sends to each cluster what belongs there', async () => {
        const set = more.flatMap((one) => ['--set', one]);
        for (const cluster of clusters) {
          const upstream = await httpUpstream((_request, response) => response.end(cluster));
          upstreams.push(upstream);
          set.push('--set', `clusters.${cluster}.endpoints=["${upstream.address}"]`);
        }
        const program = sidecarOn(file, set, { env: { PORT: '0' } });
        const port = await program.port();
        for (const [host, path, cluster] of asks) {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { host } });
          expect(await response.text(), `${host}${path}`).to.equal(cluster);
        }
      });
    });
  }
});
