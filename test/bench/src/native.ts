import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { which } from './processes.ts';

const SOURCES = fileURLToPath(new URL('../native', import.meta.url));

/** Whether the load can speak TLS: it does where OpenSSL's headers are installed. */
export const loadSpeaksTls = (() => {
  const compiler = which('cc') ?? which('gcc') ?? which('clang');
  if (compiler === undefined) return false;
  const input = '#include <openssl/ssl.h>\n';
  return spawnSync(compiler, ['-E', '-o', '/dev/null', '-x', 'c', '-'], { input }).status === 0;
})();

/** Compiles one of native/*.c, unless that was done with the same sources; its path. */
export function compiled(name: 'upstream' | 'load'): string {
  const source = join(SOURCES, `${name}.c`);
  const folder = join(tmpdir(), `outrigger-bench-${process.getuid?.() ?? 0}`);
  const tls = name === 'load' && loadSpeaksTls ? ['-DTLS', '-lssl', '-lcrypto'] : [];
  const content = createHash('sha256').update(tls.join());
  for (const file of readdirSync(SOURCES).sort()) content.update(readFileSync(join(SOURCES, file)));
  // Other checkouts have other sources.
  const target = join(folder, `${name}-${content.digest('hex').slice(0, 12)}`);
  mkdirSync(folder, { recursive: true });
  if (existsSync(target)) return target;
  const compiler = which('cc') ?? which('gcc') ?? which('clang');
  if (compiler === undefined)
    throw new Error('the benchmark compiles its load and its upstream: install a C compiler (cc, gcc or clang)');
  const { status, stderr } = spawnSync(compiler, ['-O2', '-o', target, source, ...tls], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  return target;
}
