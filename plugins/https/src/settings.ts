import type { Plugin, Schema } from '@outrigger/core';

/** A certificate with its key, as the configuration names them. */
export interface CertificateSettings {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string;
  readonly passphraseFile?: string;
}

/** What clients are asked for. */
export interface Demand {
  readonly clientAuth: 'none' | 'request' | 'require';
  readonly clientCa?: string | undefined;
}

/** An item of `certificates:`. */
export type ShownCertificate = CertificateSettings & Partial<Demand>;

/** `tls:` of a listener. */
export interface ListenerTls extends Demand {
  readonly certificates: readonly ShownCertificate[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: string;
  readonly curves: string;
  readonly strictSni: boolean;
}

/** `tls:` of a cluster. */
export interface ClusterTls {
  readonly serverName?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly passphraseFile?: string;
  readonly verify: boolean;
}

export interface HttpsSettings {
  readonly handshake: { readonly timeout: number; readonly pending: number };
  readonly tickets: { readonly rotation: number };
  readonly expiry: { readonly warning: number };
}

/** Mozilla's intermediate configuration, without its DHE suites: they need parameters, and no client of today needs them. */
export const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export const CURVES = 'X25519MLKEM768:X25519:prime256v1:secp384r1';

const passphrase: Schema = {
  passphrase: {
    doc: 'Passphrase of an encrypted key; write it as a variable of the environment.',
    format: String,
    optional: true,
    sensitive: true,
  },
  passphraseFile: { doc: 'File whose first line is the passphrase.', format: 'path', optional: true },
};

const certificate: Schema = {
  cert: { doc: 'The certificate, and what leads from it to its root behind it (PEM).', format: 'path' },
  key: { doc: 'Its private key (PEM).', format: 'path' },
  ...passphrase,
};

const listener: Schema = {
  certificates: {
    doc: 'Each is shown to who asks for one of its names; the first one to everybody else. RSA and EC for one name are both offered.',
    format: {
      list: {
        ...certificate,
        clientCa: { doc: "In place of the listener's, for these names.", format: 'path', optional: true },
        clientAuth: {
          doc: "In place of the listener's, for these names; where they differ, strictSni holds.",
          format: ['none', 'request', 'require'],
          optional: true,
        },
      },
    },
  },
  clientCa: { doc: 'Authorities whose certificates prove a client (PEM).', format: 'path', optional: true },
  clientAuth: {
    doc: 'Whether clients are asked for a certificate, and let in without one. One that is not good is never let in.',
    format: ['none', 'request', 'require'],
    default: 'none',
  },
  minVersion: { doc: 'Lowest version of TLS.', format: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
  ciphers: {
    doc: "Cipher suites in OpenSSL's form; by default Mozilla's intermediate ones.",
    format: String,
    default: CIPHERS,
  },
  curves: { doc: 'Groups for the key exchange, the preferred one first.', format: String, default: CURVES },
  strictSni: {
    doc: 'Whether a request must name the host that its TLS connection named; another one is answered with 421.',
    format: Boolean,
    default: false,
  },
};

const cluster: Schema = {
  serverName: {
    doc: 'Name that endpoints are asked for (SNI), and that their certificate must have; by default that of their address.',
    format: String,
    optional: true,
  },
  ca: {
    doc: 'Authorities that endpoints are verified by, instead of those that Node brings (PEM).',
    format: 'path',
    optional: true,
  },
  cert: { doc: 'Client certificate that endpoints are shown (PEM).', format: 'path', optional: true },
  key: { doc: 'Its private key (PEM).', format: 'path', optional: true },
  ...passphrase,
  verify: {
    doc: 'false takes any certificate from anybody: whoever sits between reads and changes all traffic.',
    format: Boolean,
    default: true,
  },
};

/** The keys that this plugin adds to the configuration. */
export const sections: NonNullable<Plugin['sections']> = {
  listener: {
    tls: { doc: 'How TLS is terminated, where protocol is https.', format: { oneOf: [listener] }, optional: true },
  },
  cluster: {
    tls: { doc: 'Endpoints are reached over TLS.', format: { oneOf: [cluster] }, optional: true },
  },
};

export const config: Schema<HttpsSettings> = {
  handshake: {
    timeout: { doc: 'Time within which a handshake must be over.', format: 'duration', default: 10_000 },
    pending: {
      doc: 'Handshakes under way at once; one more, and the oldest is cut.',
      format: 'nat',
      default: 1_000,
    },
  },
  tickets: {
    rotation: {
      doc: 'How long the key is used that session tickets are encrypted with; what it encrypted is of no use afterwards.',
      format: 'duration',
      default: 12 * 3_600_000,
    },
  },
  expiry: {
    warning: {
      doc: 'A certificate that expires so soon is logged as a warning, once a day.',
      format: 'duration',
      default: 30 * 24 * 3_600_000,
    },
  },
};

/** Settings with their defaults, where a section did not come through the configuration (tests). */
export function listenerTls(settings: Readonly<Record<string, unknown>>): ListenerTls {
  const { tls } = settings as { tls?: Partial<ListenerTls> };
  if (tls === undefined || (tls.certificates?.length ?? 0) === 0)
    throw new Error('protocol https needs tls: { certificates: [{ cert, key }] }');
  const defaults = { clientAuth: 'none', minVersion: 'TLSv1.2', ciphers: CIPHERS, curves: CURVES, strictSni: false };
  return { ...defaults, ...tls } as ListenerTls;
}

/** What who asks for this certificate's names is asked for. */
export function demandOf(listener: ListenerTls, shown: ShownCertificate): Demand {
  return { clientAuth: shown.clientAuth ?? listener.clientAuth, clientCa: shown.clientCa ?? listener.clientCa };
}

export function clusterTls(settings: Readonly<Record<string, unknown>>): ClusterTls {
  return { verify: true, ...(settings['tls'] as Partial<ClusterTls>) };
}
