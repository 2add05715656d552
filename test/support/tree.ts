import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './program.ts';

/** A package of the workspace. */
export interface WorkspacePackage {
  /** Relative to the root: `plugins/http`. */
  readonly folder: string;
  readonly name: string;
  readonly manifest: {
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly devDependencies?: Readonly<Record<string, string>>;
  };
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.nx', 'coverage', '.setup-lock']);

/** Every file below a folder, relative to the root, without what is installed or built. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function readJson<T>(path: string): T {
  return JSON.parse(read(path)) as T;
}

/** The packages that are published: core, config, the plugins, the program. */
export function packages(): WorkspacePackage[] {
  const plugins = readdirSync(join(ROOT, 'plugins')).map((name) => `plugins/${name}`);
  return ['core', 'config', ...plugins, 'sidecar'].map((folder) => {
    const manifest = readJson<WorkspacePackage['manifest'] & { name: string }>(`${folder}/package.json`);
    return { folder, name: manifest.name, manifest };
  });
}

/** What a module imports and re-exports, by any form with a literal specifier; comments do not count. */
export function importsOf(text: string): string[] {
  const code = text.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/^\s*\/\/.*$/gm, '');
  const forms = [
    /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*(['"])([^'"]+)\1/gm,
    /^\s*import\s*(['"])([^'"]+)\1/gm,
    /\bimport\(\s*(['"])([^'"]+)\1/g,
    /\brequire(?:\.resolve)?\(\s*(['"])([^'"]+)\1/g,
    /\bimport\.meta\.resolve\(\s*(['"])([^'"]+)\1/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[2]!));
}

/** The package that a bare specifier is of. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
