// `npm test`: lint, types, and every spec; `npm test -- FILE…` runs those specs alone. The last line counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const node = join(bin, 'node');
const specs = process.argv.slice(2);
const MOCHA_LIMIT_MS = 8 * 60_000;

peers();
const failures = [];
let passed = 0;
let skipped = 0;

if (specs.length === 0) {
  check('lint', [
    join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'),
    'check',
    '--max-diagnostics=50',
    '.',
  ]);
  check('types of the tests', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.test.json']);
}
mocha();

for (const name of failures) process.stdout.write(`failed: ${name}\n`);
process.stdout.write(`${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

function check(name, args) {
  const { status } = spawnSync(node, args, { cwd: root, stdio: ['ignore', 1, 2] });
  if (status === 0) {
    passed++;
    process.stdout.write(`${name}: good\n`);
  } else failures.push(name);
}

function mocha() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-test-'));
  const report = join(folder, 'report.json');
  const files = specs.length === 0 ? [] : ['--no-config', '--timeout', '10000', '--fail-zero', ...specs];
  const { status, signal } = spawnSync(
    node,
    [
      join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(root, 'scripts', 'reporter.cjs'),
      '--reporter-option',
      `file=${report}`,
      ...files,
    ],
    { cwd: root, stdio: ['ignore', 1, 2], timeout: MOCHA_LIMIT_MS, killSignal: 'SIGKILL' },
  );
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  if (result !== undefined) {
    passed += result.passed;
    skipped += result.skipped;
    failures.push(...result.failed);
  }
  if (signal !== null)
    failures.push(`mocha was ended by ${signal}: after ${MOCHA_LIMIT_MS / 60_000} minutes, something still ran`);
  else if (status !== 0 && (result === undefined || result.failed.length === 0))
    failures.push(`mocha ended with ${status}`);
}

/** Independent programs that tests use where they are there. */
function peers() {
  const found = {
    curl: 'curl',
    nginx: 'nginx',
    haproxy: 'haproxy',
    chromium: 'chromium',
    openssl: 'openssl',
    promtool: 'promtool',
    prometheus: 'prometheus',
    'testssl.sh': 'testssl',
  };
  const path = `${process.env.PATH}${delimiter}/usr/sbin`;
  const has = Object.entries(found).map(([name, program]) => [
    name,
    path.split(delimiter).some((folder) => existsSync(join(folder, program))),
  ]);
  has.push([
    'otelcol',
    process.env.OTELCOL !== undefined || path.split(delimiter).some((folder) => existsSync(join(folder, 'otelcol'))),
  ]);
  has.push(['python3-websockets', spawnSync('/usr/bin/python3', ['-c', 'import websockets']).status === 0]);
  const list = (wanted) =>
    has
      .filter(([, there]) => there === wanted)
      .map(([name]) => name)
      .join(', ') || 'none';
  process.stdout.write(`optional peers found: ${list(true)}; missing: ${list(false)}\n`);
}
