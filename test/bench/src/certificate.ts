import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files of a certificate for localhost, over P-256. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Both in one, as HAProxy has it. */
  readonly both: string;
}

/** Made anew in `folder`, by `outrigger cert`. */
export function certificateIn(folder: string): Certificate {
  const program = fileURLToPath(new URL('../../../sidecar/bin/outrigger.js', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [program, 'cert'], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`outrigger cert failed:\n${stderr}`);
  const [cert, key, both] = ['crt', 'key', 'pem'].map((end) => join(folder, 'tls', `localhost.${end}`));
  writeFileSync(both!, readFileSync(cert!, 'utf8') + readFileSync(key!, 'utf8'));
  return { cert: cert!, key: key!, both: both! };
}
