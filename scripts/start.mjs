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
// A Ctrl-C reaches the whole group, the program among it; a signal to npm or to us alone has to be passed on. It waits a
// moment: a signal too many would hit a program that is about to end, and spoil its exit code.
let passing;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // The terminal was closed: nobody is left to reload for.
    const passed = signal === 'SIGHUP' && process.stderr.isTTY ? 'SIGTERM' : signal;
    if (passing !== undefined) return;
    passing = setTimeout(() => {
      passing = undefined;
      child.kill(passed);
    }, 100);
  });
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
