import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { endPrograms } from './program.ts';

/** A folder outside the checkout, for one test file. Removed by `remove`. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'outrigger-test-'));

  /** Writes a file, with the folders on its way, and returns its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * A folder for a suite whose tests start programs; called in its `describe`. Before each test these files are in it, by name;
 * after each test its programs are ended.
 */
export function scratchForPrograms(files: Readonly<Record<string, string>> = {}): Scratch {
  const scratch = new Scratch();
  beforeEach(() => {
    for (const [name, text] of Object.entries(files)) scratch.write(name, text);
  });
  afterEach(endPrograms);
  after(() => scratch.remove());
  return scratch;
}

/** The shortest configuration, for these endpoints: one listener `inbound` on a free port. */
export function shortest(endpoints: readonly string[], more = ''): string {
  return `listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }
clusters:
  app: { endpoints: ${JSON.stringify(endpoints)} }
${more}`;
}
