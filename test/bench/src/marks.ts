import type { Result } from './measure.ts';
import type { Report } from './report.ts';

interface Mark {
  readonly floor: number;
  readonly stretch: number;
}

/** The marks that the project has set itself, × HAProxy in the same run. */
export const MARKS: Readonly<Record<string, Mark>> = {
  'GET 128 B': { floor: 1.15, stretch: 1 },
  'GET 10 KiB': { floor: 1.25, stretch: 1 },
  'POST 1 KiB': { floor: 1.25, stretch: 1.1 },
  'WS echo 64 B': { floor: 1.15, stretch: 1 },
  'no keep-alive': { floor: 2.2, stretch: 1.3 },
  'HTTPS GET 128 B': { floor: 1.6, stretch: 1.3 },
  'TLS handshake': { floor: 1.6, stretch: 1.3 },
  'TLS resumption': { floor: 1.6, stretch: 1.3 },
};

/** KiB for an idle WebSocket. */
const IDLE: Mark = { floor: 12, stretch: 5 };

/** How many times cheaper a GET is to be than through these. */
const CHEAPER: Readonly<Record<string, number>> = { 'node:http + undici': 5, 'http-proxy': 9 };

const OURS = 'outrigger';

/** Each mark that this run has something to say of, on a line of its own. */
export function marks({ results, reference }: Report): string {
  const find = (workload: string, subject = OURS) =>
    results.find((result) => result.workload === workload && result.subject === subject);
  const lines: (string | undefined)[] = Object.entries(MARKS).map(([workload, mark]) => {
    const ratio = find(workload)?.ratio?.median;
    return ratio === undefined ? undefined : `${workload}: ${ratio.toFixed(2)} × ${reference}; ${verdict(ratio, mark)}`;
  });
  const idle = find('5,000 idle WS');
  if (idle !== undefined)
    lines.push(
      `an idle WebSocket: ${(idle.cost.median / 1024).toFixed(1)} KiB; ${verdict(idle.cost.median / 1024, IDLE)}`,
    );
  for (const [peer, times] of Object.entries(CHEAPER)) {
    const theirs = find('GET 128 B', peer);
    lines.push(cheaper(theirs, find('GET 128 B'), times, reference));
  }
  lines.push(added(results, reference));
  return lines.filter(Boolean).join('\n');
}

function verdict(value: number, { floor, stretch }: Mark): string {
  const reached = value <= stretch ? 'stretch reached' : value <= floor ? 'floor reached' : 'MISSED';
  return `stretch ${stretch}, floor ${floor}: ${reached}`;
}

function cheaper(
  theirs: Result | undefined,
  ours: Result | undefined,
  times: number,
  reference: string,
): string | undefined {
  if (theirs?.ratio === undefined || ours?.ratio === undefined) return undefined;
  const factor = theirs.ratio.median / ours.ratio.median;
  const said = `a GET is ${factor.toFixed(1)} times cheaper than through ${theirs.subject}; mark ${times}`;
  return `${said}: ${factor >= times ? 'reached' : `MISSED, ${reference}'s is ${theirs.ratio.median.toFixed(1)} times cheaper`}`;
}

/** What goes through a proxy takes longer by this; known where it was measured without one, too. */
function added(results: readonly Result[], reference: string): string | undefined {
  const loops = results.filter(({ workload }) => workload.startsWith('open loop'));
  const find = (subject: string) => loops.find((result) => result.subject === subject);
  const direct = find(NO_PROXY)?.p50.median;
  const ours = find(OURS);
  const theirs = find(reference)?.p50.median;
  if (direct === undefined || ours?.p50Beyond === undefined || theirs === undefined) return undefined;
  const adds = (p50: number) => Math.round(p50 - direct);
  const { median, low, high } = ours.p50Beyond;
  const beyond = `${micros(median)} beyond it in the same round (${micros(low)} to ${micros(high)})`;
  // Half of the rounds lie between the quartiles: what has both signs there cannot be told from nothing.
  const verdict = median <= 0 ? 'reached' : low <= 0 ? 'even, as far as this run can tell' : 'MISSED';
  return `${loops[0]!.workload}: adds ${adds(ours.p50.median)} µs to p50, ${reference} ${adds(theirs)}; ${beyond}: ${verdict}`;
}

function micros(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(Math.round(value))} µs`;
}

/** What is measured without a proxy: the upstream itself. */
export const NO_PROXY = 'no proxy';
