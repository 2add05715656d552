import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.ts';
import { marks } from './marks.ts';
import { measure, type Plan, type Result } from './measure.ts';
import { loadSpeaksTls } from './native.ts';
import { machine, type Report, table, versions } from './report.ts';
import { Rig } from './rig.ts';
import { subjects } from './subjects.ts';
import { WORKLOADS } from './workloads.ts';

const HELP = `What a request costs here, beside every proxy that is installed: npm run bench -- [options]

  --quick            this project, HAProxy and one npm proxy, three workloads, within two minutes
  --rounds N         slices of each subject (50)
  --seconds N        length of a slice (0.1)
  --workload TEXT    only workloads whose name has TEXT; may be repeated
  --subject TEXT     only subjects whose name has TEXT, and the reference; may be repeated
  --reference NAME   what the others are compared with (HAProxy)
  --out FOLDER       where results.json and chart.svg go (docs/benchmarks; nothing is written in a quick run)
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '0.1' },
    workload: { type: 'string', multiple: true },
    subject: { type: 'string', multiple: true },
    reference: { type: 'string', default: 'HAProxy' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const { quick, reference } = values;
const told = (line: string) => void process.stderr.write(`${line}\n`);
const has = (name: string, texts: readonly string[] | undefined) => texts?.some((text) => name.includes(text)) ?? true;
const { found, missing: absent } = subjects();
const missing = [...absent];
const chosen = found.filter(
  ({ name, more }) =>
    name === reference || (has(name, values.subject) && !(quick && more && values.subject === undefined)),
);
const workloads = WORKLOADS.filter(
  (one) => has(one.name, values.workload) && (!quick || one.quick || values.workload) && (loadSpeaksTls || !one.tls),
);
if (!loadSpeaksTls) missing.push("OpenSSL's headers, so nothing over TLS");
if (missing.length > 0) told(`not installed, so not measured: ${missing.join(', ')}`);
if (!chosen.some(({ name }) => name === reference)) told(`there is no ${reference}: no ratios`);

const plan: Plan = {
  subjects: chosen,
  reference,
  rounds: Number(values.rounds ?? 50),
  seconds: Number(values.seconds),
  warmUpSeconds: 2,
  told,
};
const rig = new Rig();
process.on('exit', () => rig.stop());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await rig.start();
const results: Result[] = [];
for (const workload of workloads) {
  told(`${workload.name} …`);
  results.push(...(await measure(rig, workload, plan)));
}
const report: Report = {
  at: new Date().toISOString(),
  machine: machine(),
  versions: versions(chosen),
  reference,
  rounds: plan.rounds,
  seconds: plan.seconds,
  missing,
  results,
};
process.stdout.write(`${table(report)}\n\n${marks(report)}\n`);
const out = values.out ?? (quick || values.workload || values.subject ? undefined : 'docs/benchmarks');
if (out !== undefined) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(out, 'chart.svg'), chart(report));
  told(`written: ${resolve(out)}/results.json, chart.svg`);
}
process.exit(0);
