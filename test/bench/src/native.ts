import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { which } from './processes.ts';

/** Compiles one of native/*.c, unless that was done since it changed; its path. */
export function compiled(name: 'upstream' | 'load'): string {
  const source = fileURLToPath(new URL(`../native/${name}.c`, import.meta.url));
  const folder = join(tmpdir(), `outrigger-bench-${process.getuid?.() ?? 0}`);
  const target = join(folder, name);
  mkdirSync(folder, { recursive: true });
  if ((statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0) > statSync(source).mtimeMs) return target;
  const compiler = which('cc') ?? which('gcc') ?? which('clang');
  if (compiler === undefined)
    throw new Error('the benchmark compiles its load and its upstream: install a C compiler (cc, gcc or clang)');
  const { status, stderr } = spawnSync(compiler, ['-O2', '-o', target, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  return target;
}
