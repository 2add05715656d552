import type { LookupFunction, NetConnectOpts, Socket } from 'node:net';
import { isIP } from 'node:net';
import { parseAddress } from './address.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Cluster, Endpoint } from './cluster.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
import { SocketStream } from './socket-stream.ts';
import type { Connector, ConnectSink, Dialer } from './transport.ts';

/** Connects to endpoints over plain TCP or a Unix-domain socket. */
export class TcpConnector implements Connector, Dialer {
  readonly name = 'tcp';
  readonly #descriptors: DescriptorBudget;
  /** Options by endpoint: an address is parsed once. */
  readonly #options = new WeakMap<Endpoint, { resolved: readonly string[] | undefined; options: NetConnectOpts }>();

  constructor(descriptors: DescriptorBudget) {
    this.#descriptors = descriptors;
  }

  connect(endpoint: Endpoint, _cluster: Cluster, sink: ConnectSink): ByteStream {
    const stream = SocketStream.connect(this.#optionsOf(endpoint), () => sink.connected());
    this.#descriptors.opened();
    stream.socket.on('close', () => this.#descriptors.closed());
    stream.read(sink);
    return stream;
  }

  dial<T extends Socket>(endpoint: Endpoint, open: (options: NetConnectOpts) => T): T {
    const socket = open(this.#optionsOf(endpoint));
    this.#descriptors.opened();
    socket.once('close', () => this.#descriptors.closed());
    return socket;
  }

  #optionsOf(endpoint: Endpoint): NetConnectOpts {
    const resolved = (endpoint as { resolved?: readonly string[] }).resolved;
    const known = this.#options.get(endpoint);
    if (known && known.resolved === resolved) return known.options;
    const options = connectOptions(endpoint.address, resolved);
    this.#options.set(endpoint, { resolved, options });
    return options;
  }
}

/** `resolved` are the addresses behind a name: Node tries them in turn (RFC 8305), without asking DNS on a session's way. */
function connectOptions(address: string, resolved: readonly string[] | undefined): NetConnectOpts {
  const where = parseAddress(address);
  if ('path' in where) return where;
  if (!resolved?.length) return { ...where, noDelay: true };
  if (resolved.length === 1) return { host: resolved[0]!, port: where.port, noDelay: true };
  const answers = resolved.map((ip) => ({ address: ip, family: isIP(ip) }));
  const lookup = ((_name, _options, done) => process.nextTick(done, null, answers)) as LookupFunction;
  return { ...where, noDelay: true, lookup, autoSelectFamily: true };
}
