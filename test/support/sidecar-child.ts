// A sidecar as a process of its own, for what is measured of a process; its parent is sidecar-process.ts.
import { readdirSync } from 'node:fs';
import { startSidecar } from './sidecar.ts';

const sidecar = await startSidecar(JSON.parse(process.argv[2]!));
let peak = 0;
const measure = () => {
  peak = Math.max(peak, process.memoryUsage.rss());
};
setInterval(measure, 20).unref();

process.on('message', (what) => {
  if (what === 'reset') peak = 0;
  measure();
  process.send!({
    peak,
    files: readdirSync('/proc/self/fd').length,
    sessions: sidecar.runtime.sessions.size,
    warnings: sidecar.logs.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message),
  });
});
process.on('disconnect', () => process.exit());
process.send!({ port: sidecar.port });
