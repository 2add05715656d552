import { createHash } from 'node:crypto';
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
  /** How much there is of what is varied, where something is. */
  readonly size?: number;
  readonly workload: string;
  readonly unit: string;
  /** Microseconds of CPU for a unit, or bytes of memory for a connection. */
  readonly cost: Spread;
  /** Cost beside that of the reference in the same round; undefined where there is none. */
  readonly ratio: Spread | undefined;
  readonly perSecond: Spread;
  readonly p50: Spread;
  /** Microseconds of p50 beyond the reference's in the same round; undefined where there is none. */
  readonly p50Beyond: Spread | undefined;
  readonly p99: Spread;
  readonly failures: number;
}

/** A subject with what is asked of it. */
export interface Pair {
  readonly subject: Subject;
  readonly workload: Workload;
}

export interface Pace {
  /** What the others are compared with, by name. */
  readonly reference: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  told(line: string): void;
}

export interface Plan extends Pace {
  readonly subjects: readonly Subject[];
}

/** One workload, of all subjects that it is for. */
export function measure(rig: Rig, workload: Workload, plan: Plan): Promise<Result[]> {
  const subjects = plan.subjects.filter(
    ({ only, kind, tls }) =>
      (only?.includes(workload.name) ?? true) && !(workload.few && kind === 'npm') && (tls || !workload.tls),
  );
  return sideBySide(
    rig,
    subjects.map((subject) => ({ subject, workload })),
    plan,
  );
}

/**
 * In interleaved slices: each round loads every subject once, and a ratio is taken within a round, so that what else the
 * machine does meanwhile falls on all alike.
 */
export async function sideBySide(rig: Rig, pairs: readonly Pair[], pace: Pace): Promise<Result[]> {
  const running: RunningSubject[] = [];
  try {
    for (const { subject, workload } of pairs) {
      try {
        running.push(await rig.begin(subject, workload));
      } catch (error) {
        pace.told(`${subject.name} does not start: ${(error as Error).message}`);
      }
    }
    const samples = new Map(running.map((one): [string, Sample[]] => [one.subject.name, []]));
    // Idle connections are opened once: memory that was had stays.
    const once = running.some(({ workload }) => workload.mode === 'idle');
    if (!once) for (const one of running) await warmUp(one, pace.warmUpSeconds);
    for (let round = 0; round < (once ? 1 : pace.rounds); round++)
      for (const one of shuffled(running, round))
        samples.get(one.subject.name)!.push(await one.measure(Math.max(pace.seconds, one.workload.seconds ?? 0)));
    return running.map((one) => summary(one, samples, pace.reference));
  } finally {
    for (const one of running) await one.end();
  }
}

/** However slow it is just now: pools are to be filled. What answers nothing is not waited for. */
async function warmUp(one: RunningSubject, seconds: number): Promise<void> {
  for (let left = one.workload.warmUpUnits ?? 1; left > 0; ) {
    const { perSecond } = await one.measure(seconds);
    if (!(perSecond > 0)) return;
    left -= perSecond * seconds;
  }
}

/**
 * In an order that is the round's own, and in every run the same: so nobody always comes behind the same one, whose load, caches and
 * heat would be his.
 */
export function shuffled<T>(list: readonly T[], round: number): T[] {
  const order = [...list];
  for (let left = order.length; left > 1; left--) {
    const at = createHash('md5').update(`${round} ${left}`).digest().readUInt32LE() % left;
    [order[at], order[left - 1]] = [order[left - 1]!, order[at]!];
  }
  return order;
}

function summary({ subject, workload }: Pair, all: ReadonlyMap<string, Sample[]>, reference: string): Result {
  const samples = all.get(subject.name)!;
  const others = all.get(reference);
  const beside = (compare: (ours: Sample, its: Sample) => number) => {
    const values = (others ?? []).map((its, round) => compare(samples[round]!, its)).filter(Number.isFinite);
    return subject.baseline || values.length === 0 ? undefined : spread(values);
  };
  const of = (pick: (sample: Sample) => number) => spread(samples.map(pick).filter(Number.isFinite));
  return {
    subject: subject.name,
    ...(subject.size !== undefined && { size: subject.size }),
    workload: workload.name,
    unit: workload.unit,
    cost: of(({ cost }) => cost),
    ratio: beside((ours, its) => ours.cost / its.cost),
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ p50 }) => p50),
    p50Beyond: beside((ours, its) => ours.p50 - its.p50),
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
