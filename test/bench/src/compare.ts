import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, type Plan, type Result } from './measure.ts';
import { loadSpeaksTls } from './native.ts';
import { machine, table, versions } from './report.ts';
import { Rig } from './rig.ts';
import { ours, ROOT } from './subjects.ts';
import { WORKLOADS } from './workloads.ts';

const HELP = `What one commit costs beside another: npm run bench:compare -- BASE [CHANGE] [options]

  BASE, CHANGE       commits; without CHANGE the checkout as it is
  --rounds N         slices of each (100)
  --seconds N        length of a slice (0.1)
  --workload TEXT    only workloads whose name has TEXT; may be repeated
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '0.1' },
    workload: { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const [base, change] = positionals;
if (values.help || base === undefined) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const rig = new Rig();
const made: string[] = [];
process.on('exit', () => {
  for (const folder of made) run('git', ['worktree', 'remove', '--force', folder]);
  rig.stop();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const names = [`${base} (base)`, change ?? 'checkout'] as const;
const [first, second] = [checkout(base), change === undefined ? ROOT : checkout(change)];
const subjects = [...ours(first, names[0]), ...ours(second, names[1])].filter(({ name }) =>
  (names as readonly string[]).includes(name),
);
const workloads = WORKLOADS.filter(
  ({ name, mode, tls }) =>
    mode !== 'idle' && (loadSpeaksTls || !tls) && (values.workload?.some((text) => name.includes(text)) ?? true),
);
const plan: Plan = {
  subjects,
  reference: names[0],
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  warmUpSeconds: 2,
  told: (line) => void process.stderr.write(`${line}\n`),
};
await rig.start();
const results: Result[] = [];
for (const workload of workloads) {
  plan.told(`${workload.name} …`);
  results.push(...(await measure(rig, workload, plan)));
}
const { reference, rounds, seconds } = plan;
const at = new Date().toISOString();
const report = {
  at,
  machine: machine(),
  versions: versions(subjects),
  reference,
  rounds,
  seconds,
  missing: [],
  results,
};
process.stdout.write(`${table(report)}\n`);
process.exit(0);

/** A commit, installed and built, in a folder of its own. */
function checkout(commit: string): string {
  const folder = join(rig.folder, `commit-${made.length}`);
  const { status, stderr } = run('git', ['worktree', 'add', '--detach', folder, commit]);
  if (status !== 0) throw new Error(`${commit} cannot be checked out: ${stderr}`);
  made.push(folder);
  process.stderr.write(`${commit}: installing and building …\n`);
  const setup = run(process.execPath, [join(folder, 'scripts/setup.mjs')], folder);
  if (setup.status !== 0 || !existsSync(join(folder, 'sidecar/dist/main.js')))
    throw new Error(`${commit} does not build:\n${setup.stderr}`);
  return folder;
}

function run(command: string, args: readonly string[], cwd = ROOT) {
  return spawnSync(command, args, { cwd, encoding: 'utf8' });
}
