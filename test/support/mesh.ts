import { once } from 'node:events';
import { request } from 'node:https';
import { Authority, type CertificateOptions, type Pair, writeAuthority, writePair } from './certificates.ts';
import { Scratch } from './scratch.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts';
import { type Echo, echoUpstream, type Upstream } from './upstreams.ts';

/** Who the client of a {@link Mesh} is. */
export const SPIFFE = 'spiffe://mesh.test/ns/a/sa/client';

/** Sidecars, a client and a server whose certificates are of one authority. */
export class Mesh {
  readonly scratch = new Scratch();
  authority!: Authority;
  /** An authority that nobody knows. */
  stranger!: Authority;
  server!: Pair;
  client!: Pair;
  /** The server's, as `certificates:` has it. */
  certificates!: { cert: string; key: string }[];
  /** The client's, as a cluster's `tls` has it. */
  ownFiles!: { cert: string; key: string };
  /** The file of the authority. */
  ca!: string;
  /** Where sidecars forward to, unless they are told otherwise. */
  upstream!: Upstream;
  readonly #started: TestSidecar[] = [];

  async open(): Promise<void> {
    this.authority = await Authority.create('mesh');
    this.stranger = await Authority.create('stranger');
    this.server = await this.authority.issue({ names: ['app.test', '127.0.0.1'] });
    this.client = await this.authority.issue({ names: ['client.test'], uris: [SPIFFE], commonName: 'client' });
    this.certificates = [writePair(this.scratch.folder, 'server', this.server)];
    this.ownFiles = writePair(this.scratch.folder, 'client', this.client);
    this.ca = writeAuthority(this.scratch.folder, 'ca', this.authority);
    this.upstream = await echoUpstream();
  }

  /** A new certificate of the authority, in `NAME.crt` and `NAME.key`: where, as `certificates:` has it. */
  async issue(name: string, options: CertificateOptions): Promise<{ cert: string; key: string }> {
    return writePair(this.scratch.folder, name, await this.authority.issue(options));
  }

  async start(options: Partial<SidecarOptions>): Promise<TestSidecar> {
    const sidecar = await startSidecar({ endpoints: [this.upstream.address], ...options });
    this.#started.push(sidecar);
    return sidecar;
  }

  /** A listener that lets in whom the authority knows. */
  requiring(more: object = {}) {
    return { tls: { certificates: this.certificates, clientCa: this.ca, clientAuth: 'require', ...more } };
  }

  /** One request on a connection of its own, of a client that shows what `options` say. */
  async ask(port: number, options: object = {}): Promise<{ status: number; text: string; echo: Echo }> {
    const call = request({ port, host: '127.0.0.1', ca: this.authority.cert, agent: false, ...options });
    call.end();
    const [response] = await once(call, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return { status: response.statusCode, text, echo: text.startsWith('{') ? JSON.parse(text) : undefined };
  }

  async stopSidecars(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((sidecar) => sidecar.stop()));
  }

  async close(): Promise<void> {
    await this.upstream.stop();
    this.scratch.remove();
  }
}

/** A mesh for a suite; called in its `describe`. It is there from `before` on, and its sidecars end after each test. */
export function meshForSuite(): Mesh {
  const mesh = new Mesh();
  before(() => mesh.open());
  afterEach(() => mesh.stopSidecars());
  after(() => mesh.close());
  return mesh;
}
