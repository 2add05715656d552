import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../bin/outrigger.js', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end, in a folder, with nothing but these variables (and PATH) in its environment. */
export function outrigger(args: readonly string[], folder: string, env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const { PATH = '' } = process.env;
    const options = { cwd: folder, env: { PATH, ...env }, timeout: 20_000 };
    execFile(process.execPath, [PROGRAM, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** A folder with these files, for one test after another; removed when `remove` is called. */
export function folderWith(files: Readonly<Record<string, string>> = {}): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'outrigger-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, remove: () => rmSync(path, { recursive: true }) };
}
