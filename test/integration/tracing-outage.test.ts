import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePort } from '../support/free-port.ts';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { itWith, otelcol } from '../support/peers.ts';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

const CHILD = fileURLToPath(new URL('../support/otlp-collector-child.ts', import.meta.url));
const CLIENTS = 4;

/** Asks again and again, on connections that are kept, until it is ended; resolves to the answers by status. */
function load(url: string): () => Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  let over = false;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!over) {
      const status = await fetch(url).then(
        async (response) => {
          await response.text();
          return String(response.status);
        },
        (error: Error) => error.message,
      );
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  });
  return async () => {
    over = true;
    await Promise.all(clients);
    return statuses;
  };
}

describe('a collector that is killed under load', () => {
  const scratch = new Scratch();
  let upstream: Upstream;
  before(async () => {
    upstream = await httpUpstream((_request, response) => response.end('good'));
  });
  afterEach(endPrograms);
  after(async () => {
    await upstream.stop();
    scratch.remove();
  });

  /** `start` begins a collector on the port; it resolves when that listens. `arrives`: when spans have come to this one. */
  async function survives(
    start: (port: number) => Promise<Program>,
    arrives: (collector: Program) => Promise<unknown>,
  ): Promise<void> {
    const port = await freePort();
    const file = scratch.write(
      'outrigger.yaml',
      `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters: { app: { endpoints: ["${upstream.address}"] } }
plugins: [{ tracing: { sampling: 1, endpoint: "http://127.0.0.1:${port}", protocol: http/protobuf } }]
`,
    );
    const env = {
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_BSP_EXPORT_TIMEOUT: '500',
    };
    const first = await start(port);
    const program = sidecarOn(file, [], { env });
    const end = load(`http://127.0.0.1:${await program.port()}/`);
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const dropped = async () => {
      const text = await (await fetch(`http://${admin}/metrics`)).text();
      const lines = [...text.matchAll(/^outrigger_tracing_spans_dropped_total\{.*\} (\d+)$/gm)];
      return lines.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    await arrives(first);
    expect(await dropped()).to.equal(0);

    first.kill('SIGKILL');
    await first.exit;
    const { msg } = await program.logged('spans are lost; told once until it is over');
    const lost = await dropped();
    while ((await dropped()) <= lost);

    const second = await start(port);
    await arrives(second);
    const { lost: told } = await program.logged('spans are exported again');
    const statuses = await end();
    expect(Object.keys(statuses)).to.deep.equal(['200']);
    expect(statuses['200']).to.be.above(1_000);
    expect(program.log.filter((line) => line.msg === msg)).to.have.length(1);
    expect(await dropped()).to.equal(told);
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  }

  it('costs no request; what is lost is counted and told once, and spans arrive again', async function () {
    this.timeout(60_000);
    await survives(
      async (port) => {
        const collector = new Program(process.execPath, [CHILD, String(port)]);
        await collector.until(({ stdout }) => /^\d+\n/.test(stdout));
        return collector;
      },
      (collector) => collector.until(({ stdout }) => stdout.includes('spans ')),
    );
  });

  itWith(otelcol, 'costs no request with the OpenTelemetry Collector either', async function () {
    this.timeout(60_000);
    const behind = new OtlpCollector();
    const endpoint = await behind.listen();
    let seen = 0;
    await survives(
      async (port) => {
        const file = scratch.write(
          'collector.yml',
          `receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
exporters: { otlp_http: { endpoint: "${endpoint}", encoding: json, compression: none } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_http] } }
`,
        );
        seen = behind.exports.length;
        const collector = new Program(otelcol.path!, ['--config', file]);
        await collector.until(({ stderr }) => stderr.includes('Everything is ready'));
        return collector;
      },
      () => behind.received(seen + 1),
    );
    await endPrograms();
    await behind.close();
  });
});
