import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Certificate, outOfTime, readAuthorities, readCertificate } from './certificate.ts';
import { KeptSessions } from './kept-sessions.ts';
import type { ClusterTls } from './settings.ts';

/** What a cluster's connections are made with: another one after each change of its settings or files. */
export interface Origin {
  readonly context: SecureContext;
  readonly sessions: KeptSessions;
  /** What endpoints are shown. */
  readonly own: Certificate | undefined;
}

/** Throws an Error that names the file. `now`: what is out of time is refused, too. */
export function createOrigin(settings: ClusterTls, now?: number): Origin {
  const { ca, cert, key, passphrase, passphraseFile } = settings;
  if ((cert === undefined) !== (key === undefined))
    throw new Error('tls.cert and tls.key belong together; one is missing');
  const own =
    cert === undefined
      ? undefined
      : readCertificate({
          cert,
          key: key!,
          ...(passphrase !== undefined && { passphrase }),
          ...(passphraseFile !== undefined && { passphraseFile }),
        });
  const wrong = own === undefined || now === undefined ? undefined : outOfTime(own, now);
  if (wrong !== undefined) throw new Error(`the certificate in ${cert} ${wrong}`);
  const context = createSecureContext({
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(ca !== undefined && { ca: readAuthorities(ca) }),
    ...(own !== undefined && { cert: own.cert, key: own.key }),
  });
  return { context, sessions: new KeptSessions(), own };
}

export function filesOf({ ca, cert, key, passphraseFile }: ClusterTls): string[] {
  return [ca, cert, key, passphraseFile].filter((file) => file !== undefined);
}
