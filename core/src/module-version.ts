import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** `import x from './y.ts'`, `export … from`, `import('./y.ts')`: where one's specifier is relative. */
const RELATIVE = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/**
 * A hash of a module's text and of everything that it imports by a relative path: another one means other code. What it
 * imports by name (packages) is taken to stay as it is while the process lives.
 */
export function versionOf(path: string): string {
  const hash = createHash('sha256');
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // Importing it will tell.
      return;
    }
    hash.update(file).update('\0').update(text).update('\0');
    for (const [, specifier] of text.matchAll(RELATIVE)) visit(resolve(dirname(file), specifier!));
  };
  visit(path);
  return hash.digest('hex').slice(0, 16);
}
