/** An address of a peer or of ours. */
export interface Address {
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  /** IP address, or the path of a Unix-domain socket (empty where the peer has none). */
  readonly host: string;
  /** 0 for Unix-domain sockets. */
  readonly port: number;
}

/** What is known of who connected to us. */
export interface PeerInfo {
  readonly address: Address;
  /** Set where the transport is TLS. */
  readonly tls?: TlsInfo;
}

export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly serverName?: string;
  /** Set where requests must name `serverName` as their host; others are misdirected (421). */
  readonly strict?: boolean;
  /** Set where the client proved a certificate. */
  readonly certificate?: {
    readonly subject: string;
    readonly subjectAltNames: readonly string[];
    readonly spiffeId?: string;
    readonly fingerprint256: string;
    readonly pem: string;
    /** It and what leads to its root, as PEM, the root left out. */
    readonly chain: readonly string[];
  };
  /** URIs of the certificate that we showed; set where the client proved one and ours has any. */
  readonly ownUris?: readonly string[];
}

/** The listener as plugins see it. */
export interface ListenerInfo {
  readonly name: string;
  readonly protocol: string;
  readonly direction: 'inbound' | 'outbound';
  /** Where it really accepts: port 0 of the configuration has become a port here. */
  readonly address: Address;
  /** The sections that plugins declared for listeners, validated, by key. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** One accepted downstream socket. */
export interface Connection {
  /** Unique within the process, ascending. */
  readonly id: number;
  readonly listener: ListenerInfo;
  readonly peer: PeerInfo;
}

/** `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`. */
export function formatAddress(address: Address): string {
  if (address.family === 'unix') return `unix:${address.host}`;
  return address.family === 'ipv6' ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
