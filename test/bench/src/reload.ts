import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { spread } from './measure.ts';

// How long a reload of many routes holds up the event loop, at most: `npm run bench:reload -- [ROUTES]`.

const RUNS = 5;
const CLUSTERS = 100;
const OUTRIGGER = fileURLToPath(new URL('../../../sidecar/bin/outrigger.js', import.meta.url));
const routes = Number(process.argv[2] ?? 10_000);

/** Loaded into the sidecar: at a SIGUSR2 it tells the longest delay since the one before. */
const PROBE = `import { monitorEventLoopDelay } from 'node:perf_hooks';
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  process.stderr.write(JSON.stringify({ msg: 'delay', ms: delay.max / 1e6 }) + '\\n');
  delay.reset();
});
`;

/** Another one for each run: every hundredth route changes. */
function configuration(run: number): string {
  const route = (_: unknown, i: number) =>
    `      - { match: { host: h${i}.example.com, path: /${i % 100 === 0 ? run : 'x'}/${i} }, cluster: c${i % CLUSTERS} }\n`;
  const cluster = (_: unknown, i: number) => `  c${i}: { endpoints: ["127.0.0.1:${20_000 + i}"] }\n`;
  return `admin: { bind: "127.0.0.1:0" }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
${Array.from({ length: routes }, route).join('')}clusters:
${Array.from({ length: CLUSTERS }, cluster).join('')}`;
}

const folder = mkdtempSync(join(tmpdir(), 'outrigger-reload-'));
const [file, probe] = [join(folder, 'outrigger.yaml'), join(folder, 'probe.mjs')];
writeFileSync(file, configuration(0));
writeFileSync(probe, PROBE);
const sidecar = spawn(process.execPath, ['--import', pathToFileURL(probe).href, OUTRIGGER, '-c', file], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
process.on('exit', () => {
  sidecar.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});
const lines = createInterface(sidecar.stderr)[Symbol.asyncIterator]();

/** The next line that says `msg`. */
async function told(msg: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error('the sidecar has ended');
    const line = JSON.parse(value) as Record<string, unknown>;
    if (line['level'] === 'error') throw new Error(value);
    if (line['msg'] === msg) return line;
  }
}

async function longestDelay(): Promise<number> {
  sidecar.kill('SIGUSR2');
  return Number((await told('delay'))['ms']);
}

await told('ready');
const delays: number[] = [];
for (let run = 1; run <= RUNS; run++) {
  writeFileSync(file, configuration(run));
  await longestDelay();
  const began = performance.now();
  sidecar.kill('SIGHUP');
  await told('reloaded');
  const took = performance.now() - began;
  delays.push(await longestDelay());
  console.log(`reload ${run}: ${(took / 1000).toFixed(1)} s, longest delay ${delays.at(-1)!.toFixed(1)} ms`);
}
const { median } = spread(delays);
console.log(
  `${routes} routes, ${RUNS} reloads: the event loop was held up for ${median.toFixed(1)} ms at most (median)`,
);
process.exit(0);
