/** What is asked of every subject. */
export interface Workload {
  readonly name: string;
  /** One of these is what costs are told of. */
  readonly unit: 'request' | 'message' | 'MiB' | 'connection' | 'handshake';
  /** Of the load. */
  readonly mode: 'http' | 'https' | 'requests' | 'handshake' | 'ws' | 'idle';
  /** Only subjects that can are asked over TLS. */
  readonly tls?: boolean;
  /** Arguments of the load behind `MODE HOST PORT`; the number of connections is the first. */
  readonly args: readonly (string | number)[];
  /** Lines of `HOST PATH`, or `HOST PATH NAME:VALUE` with a header, of which a file is made, that follows the arguments. */
  readonly requests?: readonly string[];
  /** Units that it takes until all is as it will be. */
  readonly warmUpUnits?: number;
  /** A slice is to last so long at least. */
  readonly seconds?: number;
  /** Units in one of the load's. */
  readonly units?: number;
  /** Most npm proxies take minutes for this, or fail. */
  readonly few?: boolean;
  readonly quick?: boolean;
}

const CONNECTIONS = 32;
const MIB = 1024 * 1024;
const http = (method: string, path: string, body = 0, close = 0, connections = CONNECTIONS, rate = 0) => ({
  mode: 'http' as const,
  args: [connections, rate, method, path, body, close],
});

export const WORKLOADS: readonly Workload[] = [
  { name: 'GET 128 B', unit: 'request', ...http('GET', '/128'), quick: true },
  { name: 'GET 10 KiB', unit: 'request', ...http('GET', '/10240') },
  { name: 'POST 1 KiB', unit: 'request', ...http('POST', '/2', 1024), quick: true },
  { name: 'no keep-alive', unit: 'connection', ...http('GET', '/128', 0, 1) },
  { name: '100 MiB down', unit: 'MiB', ...http('GET', `/${100 * MIB}`, 0, 0, 2), units: 100 },
  { name: '100 MiB up', unit: 'MiB', ...http('POST', '/2', 100 * MIB, 0, 2), units: 100 },
  { name: 'WS echo 64 B', unit: 'message', mode: 'ws', args: [CONNECTIONS, 0, 64], quick: true },
  { name: 'WS echo 16 KiB', unit: 'message', mode: 'ws', args: [CONNECTIONS, 0, 16_384] },
  {
    name: 'open loop 8,000/s',
    unit: 'request',
    ...http('GET', '/128', 0, 0, 64, 8_000),
    few: true,
    // Until everybody's code is compiled; and long enough that a slice's median is not of what has just been woken.
    warmUpUnits: 100_000,
    seconds: 0.5,
  },
  { ...http('GET', '/128'), name: 'HTTPS GET 128 B', unit: 'request', mode: 'https', tls: true },
  { name: 'TLS handshake', unit: 'handshake', mode: 'handshake', tls: true, args: [8, 0] },
  { name: 'TLS resumption', unit: 'handshake', mode: 'handshake', tls: true, args: [8, 1] },
  { name: '5,000 idle WS', unit: 'connection', mode: 'idle', args: [5_000], few: true },
];
