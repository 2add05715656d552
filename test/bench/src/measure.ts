import type { Rig, RunningSubject, Sample } from './rig.ts';
import type { Subject } from './subjects.ts';
import type { Workload } from './workloads.ts';

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What one subject came to in one workload. */
export interface Result {
  readonly subject: string;
  readonly workload: string;
  readonly unit: string;
  /** Microseconds of CPU for a unit, or bytes of memory for a connection. */
  readonly cost: Spread;
  /** Cost beside that of the reference in the same round; undefined where there is none. */
  readonly ratio: Spread | undefined;
  readonly perSecond: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
  readonly failures: number;
}

export interface Plan {
  readonly subjects: readonly Subject[];
  /** What the others are compared with, by name. */
  readonly reference: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  told(line: string): void;
}

/**
 * One workload, in interleaved slices: each round loads every subject once, and a ratio is taken within a round, so that what
 * else the machine does meanwhile falls on all alike.
 */
export async function measure(rig: Rig, workload: Workload, plan: Plan): Promise<Result[]> {
  const running: RunningSubject[] = [];
  try {
    for (const subject of plan.subjects) {
      if (!(subject.only?.includes(workload.name) ?? true) || (workload.few && subject.kind === 'npm')) continue;
      if (workload.tls && !subject.tls) continue;
      try {
        running.push(await rig.begin(subject, workload));
      } catch (error) {
        plan.told(`${subject.name} does not start: ${(error as Error).message}`);
      }
    }
    const samples = new Map(running.map((one): [string, Sample[]] => [one.subject.name, []]));
    // Idle connections are opened once: memory that was had stays.
    const once = workload.mode === 'idle';
    if (!once) for (const one of running) await one.measure(workload, plan.warmUpSeconds);
    for (let round = 0; round < (once ? 1 : plan.rounds); round++)
      for (const one of turned(running, round))
        samples.get(one.subject.name)!.push(await one.measure(workload, plan.seconds));
    return running.map(({ subject }) => summary(subject.name, workload, samples, plan.reference));
  } finally {
    for (const one of running) await one.end();
  }
}

/** Nobody always comes behind the same one. */
function turned<T>(list: readonly T[], round: number): T[] {
  const at = round % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function summary(subject: string, workload: Workload, all: ReadonlyMap<string, Sample[]>, reference: string): Result {
  const samples = all.get(subject)!;
  const others = all.get(reference);
  const ratios = others?.map(({ cost }, round) => samples[round]!.cost / cost).filter(Number.isFinite) ?? [];
  const of = (pick: (sample: Sample) => number) => spread(samples.map(pick).filter(Number.isFinite));
  return {
    subject,
    workload: workload.name,
    unit: workload.unit,
    cost: of(({ cost }) => cost),
    ratio: ratios.length === 0 ? undefined : spread(ratios),
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    failures: samples.reduce((sum, { failures }) => sum + failures, 0),
  };
}

/** Median and quartiles. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = (sorted.length - 1) * share;
    const below = sorted[Math.floor(place)] ?? Number.NaN;
    return below + ((sorted[Math.ceil(place)] ?? Number.NaN) - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
