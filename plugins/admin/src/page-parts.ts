import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the page, as it is served. */
export interface PagePart {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly etag: string;
}

/** Specifiers that the page imports by name: a browser finds them by the import map. */
const LIBRARIES = ['preact', 'preact/hooks', 'preact/jsx-runtime'];
const STYLES = new URL('../page/styles/', import.meta.url);
const MODULES = new URL('../dist/page/', import.meta.url);

/** Everything that the page is made of. */
export interface PageParts {
  /** By path, as `/page/main.js`: what is not in here is not served. */
  readonly parts: ReadonlyMap<string, PagePart>;
  readonly styles: readonly string[];
  readonly modules: readonly string[];
  /** Path of each library, by its specifier. */
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads the page from disk. It throws where the page was not built. */
export function readPageParts(): PageParts {
  const parts = new Map<string, PagePart>();
  const add = (path: string, file: URL, contentType: string): string => {
    parts.set(path, partOf(readFileSync(file), contentType));
    return path;
  };
  const styles = filesIn(STYLES, '.css').map((name) => add(`/page/${name}`, new URL(name, STYLES), 'text/css'));
  const modules = filesIn(MODULES, '.js').map((name) =>
    add(`/page/${name}`, new URL(name, MODULES), 'text/javascript'),
  );
  const imports = Object.fromEntries(
    LIBRARIES.map((name) => [
      name,
      add(`/page/library/${name}.js`, new URL(import.meta.resolve(name)), 'text/javascript'),
    ]),
  );
  return { parts, styles, modules, imports };
}

/** A file as it is served, with its strong validator (RFC 9110 §8.8.3). */
export function partOf(bytes: Uint8Array, contentType: string): PagePart {
  return { bytes, contentType, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}

function filesIn(folder: URL, ending: string): string[] {
  return readdirSync(fileURLToPath(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}
