// `npm start` runs the demo; `npm start -- ARGS…` runs outrigger with them.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const child = spawn(
  join(root, 'node_modules', '.bin', 'node'),
  [join(root, 'sidecar', 'bin', 'outrigger.js'), ...(args.length === 0 ? ['demo'] : args)],
  { stdio: 'inherit' },
);
// A Ctrl-C reaches the whole group, the program among it; a signal to npm or to us alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
