import type { OtlpProtocol } from '@outrigger/core/otlp';
import { expect } from 'chai';
import { Authority, writeAuthority, writePair } from '../../../test/support/certificates.ts';
import { OtlpCollector } from '../../../test/support/otlp-collector.ts';
import { OtlpGrpcCollector } from '../../../test/support/otlp-grpc-collector.ts';
import { Scratch } from '../../../test/support/scratch.ts';
import { otlpExporter } from '../src/otlp-exporter.ts';
import { SpanBatches } from '../src/span-batches.ts';
import { SpanStore } from '../src/span-store.ts';
import { TestSpan } from './stand-ins.ts';

const PREFIX = 'OTEL_EXPORTER_OTLP_';

/** What exporters read of the environment themselves: the same for each protocol. */
for (const [protocol, Collector] of [
  ['http/protobuf', OtlpCollector],
  ['http/json', OtlpCollector],
  ['grpc', OtlpGrpcCollector],
] as const) {
  describe(`OTEL_EXPORTER_OTLP_* by ${protocol}`, () => {
    const variables = () => Object.keys(process.env).filter((name) => name.startsWith(PREFIX));
    let before: Readonly<Record<string, string | undefined>>;
    const scratch = new Scratch();
    const closing: (() => unknown)[] = [];

    beforeEach(() => {
      before = Object.fromEntries(variables().map((name) => [name, process.env[name]]));
      for (const name of variables()) delete process.env[name];
    });
    afterEach(async () => {
      for (const name of variables()) delete process.env[name];
      Object.assign(process.env, before);
      for (const close of closing.splice(0).reverse()) await close();
    });
    after(() => scratch.remove());

    const set = (given: Readonly<Record<string, string>>) => {
      for (const [name, value] of Object.entries(given)) process.env[`${PREFIX}${name}`] = value;
    };

    /** One span to a collector; resolves with the error, if there was one. */
    async function send(collector: OtlpCollector | OtlpGrpcCollector): Promise<Error | undefined> {
      const base = await collector.listen();
      closing.push(() => collector.close());
      const url = (protocol as OtlpProtocol) === 'grpc' ? base : `${base}/v1/traces`;
      const exporter = await otlpExporter({ url, protocol, headers: undefined }, 'chat');
      closing.push(() => exporter.shutdown());
      const store = new SpanStore();
      const batches = new SpanBatches(1, 1);
      store.add(new TestSpan('a'));
      batches.add(store);
      return exporter.export(batches.take()!).then(
        () => undefined,
        (error: Error) => error,
      );
    }

    it('HEADERS, and TRACES_HEADERS before them', async () => {
      set({ HEADERS: 'x-key=all,x-other=a%20b', TRACES_HEADERS: 'x-key=traces' });
      const collector = new Collector();
      expect(await send(collector)).to.equal(undefined);
      expect(collector.exports[0]!.headers).to.include({ 'x-key': 'traces' });
    });

    it('COMPRESSION', async () => {
      set({ COMPRESSION: 'gzip' });
      const collector = new Collector();
      expect(await send(collector)).to.equal(undefined);
      const { headers } = collector.exports[0]!;
      expect(headers['content-encoding'] ?? headers['grpc-encoding']).to.equal('gzip');
      expect(collector.spans).to.have.length(1);
    });

    it('TRACES_COMPRESSION before it', async () => {
      set({ COMPRESSION: 'gzip', TRACES_COMPRESSION: 'none' });
      const collector = new Collector();
      expect(await send(collector)).to.equal(undefined);
      expect(collector.exports[0]!.headers).not.to.have.any.keys('content-encoding', 'grpc-encoding');
    });

    it('TIMEOUT, and TRACES_TIMEOUT before it', async () => {
      set({ TIMEOUT: '60000', TRACES_TIMEOUT: '100' });
      const collector = new Collector();
      if (collector instanceof OtlpGrpcCollector) collector.answers = [undefined];
      else collector.answer = () => {};
      const at = performance.now();
      expect(await send(collector)).to.be.an('error');
      expect(performance.now() - at).to.be.below(5000);
    });

    it('CERTIFICATE, CLIENT_CERTIFICATE and CLIENT_KEY', async () => {
      const authority = await Authority.create();
      const own = await authority.issue({ names: ['127.0.0.1'] });
      const { cert, key } = writePair(scratch.folder, 'client', await authority.issue());
      set({ TIMEOUT: '300', CERTIFICATE: writeAuthority(scratch.folder, 'ca', authority) });
      expect(await send(new Collector({ ...own, ca: authority.cert })), 'without a certificate').to.be.an('error');
      set({ CLIENT_CERTIFICATE: cert, CLIENT_KEY: key });
      const collector = new Collector({ ...own, ca: authority.cert });
      expect(await send(collector)).to.equal(undefined);
      expect(collector.spans).to.have.length(1);
    });
  });
}
