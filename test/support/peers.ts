import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Independent programs to test against. They are optional: without one its tests are skipped, and their titles say so. */
export interface Peer {
  readonly name: string;
  /** Its executable; undefined where it is not there. */
  readonly path: string | undefined;
}

const folders = `${process.env['PATH']}${delimiter}/usr/sbin`
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'));

function peer(name: string, good: (path: string) => boolean = () => true): Peer {
  const path = folders.map((folder) => join(folder, name)).find((file) => isExecutable(file) && good(file));
  return { name, path };
}

export const curl = peer('curl');
export const nginx = peer('nginx');
export const chromium = peer('chromium');
export const openssl = peer('openssl');
export const promtool = peer('promtool');
export const prometheus = peer('prometheus');
export const testssl: Peer = { name: 'testssl.sh', path: peer('testssl.sh').path ?? peer('testssl').path };
/** The OpenTelemetry Collector of `test/peers/otelcol`; the variable OTELCOL may tell where it is. */
export const otelcol: Peer = { name: 'otelcol', path: process.env['OTELCOL'] ?? peer('otelcol').path };
/** A Python that has the package `websockets`. */
export const pythonWebSockets: Peer = {
  name: 'python3-websockets',
  path: peer('python3', (path) => spawnSync(path, ['-c', 'import websockets']).status === 0).path,
};
/** A Node that is too old to run the sidecar itself. */
export const olderNode: Peer = {
  name: 'a Node from 18 to 23',
  path: peer('node', (path) => /^v(18|19|2[0-3])\./.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout))
    .path,
};
export const npm = peer('npm');

/** `it` where the peer is there; else a skipped test whose title names what is missing. */
export function itWith(peers: Peer | readonly Peer[], title: string, test: Mocha.AsyncFunc): void {
  const missing = [peers].flat().filter(({ path }) => path === undefined);
  if (missing.length === 0) it(title, test);
  else it.skip(`${title} (needs ${missing.map(({ name }) => name).join(' and ')})`, test);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
