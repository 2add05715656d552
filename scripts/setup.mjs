// Brings a checkout into a state in which everything runs: dependencies from the lockfile, and the build. Runs under
// whatever Node there is (18 or later), changes nothing that is fresh, and may run twice at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const node = join(modules, '.bin', 'node');
const installStamp = join(modules, '.outrigger-installed');
const buildStamp = join(modules, '.outrigger-built');
const lock = join(root, '.setup-lock');
const PACKAGES = ['core', 'config', 'plugins', 'sidecar'];

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');

if (!installed() || !built()) {
  takeLock();
  try {
    if (!installed()) install();
    if (!built()) build();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function installed() {
  return existsSync(installStamp) && readFileSync(installStamp, 'utf8') === wanted;
}

function install() {
  process.stderr.write('outrigger: installing what package-lock.json names, which takes a while the first time …\n');
  run(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    'npm ci failed; its message is above',
  );
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!(Number(/^v(\d+)/.exec(version)?.[1]) >= 24)) {
    fail(
      `npm installed no Node 24 for ${process.platform}-${process.arch}, and this is ${process.version}: install Node 24`,
    );
  }
  writeFileSync(installStamp, wanted);
}

/** Nothing that the build reads is younger than its last success. */
function built() {
  if (!existsSync(buildStamp) || !existsSync(join(root, 'sidecar', 'dist', 'main.js'))) return false;
  const at = statSync(buildStamp).mtimeMs;
  const files = [join(root, 'tsconfig.json'), join(root, 'tsconfig.base.json'), installStamp];
  for (const folder of PACKAGES) collect(join(root, folder), files);
  return files.every((file) => statSync(file).mtimeMs <= at);
}

function collect(folder, files) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === 'test') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) collect(path, files);
    else if (/\.tsx?$|^tsconfig\.json$|^package\.json$/.test(entry.name)) files.push(path);
  }
}

function build() {
  process.stderr.write('outrigger: building …\n');
  run(node, [join(modules, 'typescript', 'bin', 'tsc'), '-b'], 'the build failed; the compiler says why above');
  writeFileSync(buildStamp, '');
}

function run(command, args, failure) {
  // What npm tells its scripts would otherwise configure the npm within.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command)/.test(name)),
  );
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (status !== 0) fail(error === undefined ? failure : `${failure}: ${error.message}`);
}

/** A folder is made by one process only. One whose maker has died is taken over. */
function takeLock() {
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!alive()) rmSync(lock, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function alive() {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    // Just made, and its pid not written yet: that lasts a moment.
    return (
      error.code === 'EPERM' ||
      (error.code === 'ENOENT' && existsSync(lock) && Date.now() - statSync(lock).mtimeMs < 2_000)
    );
  }
}

function fail(message) {
  rmSync(lock, { recursive: true, force: true });
  process.stderr.write(`outrigger: ${message}\n`);
  process.exit(1);
}
