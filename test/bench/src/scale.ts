import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CURVES, pairs } from './curves.ts';
import { type Result, sideBySide } from './measure.ts';
import { machine, type Report, table } from './report.ts';
import { Rig } from './rig.ts';
import { scaleChart } from './scale-chart.ts';
import { HELP, type ScaleOptions, scaleOptions } from './scale-options.ts';

const told = (line: string) => void process.stderr.write(`${line}\n`);
const { quick, curves, rounds, seconds, out } = options();

const rig = new Rig();
process.on('exit', () => rig.stop());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await rig.start();
const results: Result[] = [];
for (const curve of curves) {
  told(`${curve.name} …`);
  const all = pairs(curve, quick);
  results.push(
    ...(await sideBySide(rig, all, {
      reference: all[0]!.subject.name,
      rounds,
      seconds,
      warmUpSeconds: quick ? 1 : 3,
      told,
    })),
  );
}
const last = CURVES.find(({ name }) => name.startsWith('connections'))!.sizes.at(-1)!;
const report: Report = {
  at: new Date().toISOString(),
  machine: machine(),
  versions: { node: process.versions.node },
  reference: 'the first',
  rounds,
  seconds,
  missing:
    last < 20_000
      ? [
          `Of 20,000 connections ${last.toLocaleString('en')} fit under the limit of open files (ulimit -n), of which each takes two.`,
        ]
      : [],
  results,
};
process.stdout.write(`${table(report)}\n`);
for (const line of report.missing) told(line);
if (out !== undefined) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'scale.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(out, 'scale.svg'), scaleChart(report));
  told(`written: ${resolve(out)}/scale.json, scale.svg`);
}
process.exit(0);

function options(): ScaleOptions {
  try {
    const asked = scaleOptions(process.argv.slice(2));
    if (asked !== undefined) return asked;
    process.stdout.write(HELP);
    process.exit(0);
  } catch (error) {
    told((error as Error).message);
    process.exit(2);
  }
}
