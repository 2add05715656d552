import { type Attempt, CONNECT_FAILURES, describeCause, type Outcome, type Session } from '@outrigger/core';
import type { EndpointHealth, Offence } from './endpoint-health.ts';
import type { OutlierSettings } from './settings.ts';

/** Ends of a WebSocket that count against its endpoint. 1000 and 1001 never do. */
const ABNORMAL = new Set([1006, 1011, 1013]);

/** Counts what an attempt says of its endpoint; says what it is to be ejected for. */
export function judgeAttempt(
  state: EndpointHealth,
  settings: OutlierSettings,
  { kind }: Session,
  { status, failure, reused }: Attempt,
): Offence | undefined {
  // Who gave up was the client, or we ourselves.
  if (failure !== undefined && describeCause(failure.cause).source !== 'upstream') return undefined;
  const failed = failure !== undefined || status! >= 500;
  const gateway = failure !== undefined || (status! >= 502 && status! <= 504);
  const { inARow } = state;
  state.requests++;
  if (!failed) state.successes++;
  if (failure !== undefined && CONNECT_FAILURES.has(failure.cause)) inARow.connects++;
  else if (!reused) inARow.connects = 0;
  inARow.consecutive = failed ? inARow.consecutive + 1 : 0;
  inARow.gateway = gateway ? inARow.gateway + 1 : 0;
  if (kind === 'websocket') inARow.handshakes = failed ? inARow.handshakes + 1 : 0;
  return failed ? offence(state, settings) : undefined;
}

/** Counts what the end of a session says: how a WebSocket was closed, and a response that broke off. */
export function judgeEnd(
  state: EndpointHealth,
  settings: OutlierSettings,
  session: Session,
  { cause, status, initiator, closeCodeSent }: Outcome,
): Offence | undefined {
  const { inARow } = state;
  if (session.kind === 'http') {
    if (cause !== 'upstream-aborted') return undefined;
    inARow.consecutive++;
    inARow.gateway++;
    return offence(state, settings);
  }
  if (status !== 101) return undefined;
  const abnormal =
    cause === 'complete' ? initiator === 'upstream' && ABNORMAL.has(closeCodeSent!) : upstreamBroke(cause);
  if (!abnormal) {
    if (cause === 'complete') inARow.closes = 0;
    return undefined;
  }
  inARow.closes++;
  return offence(state, settings);
}

/** Went without a Close (1006), broke the protocol, stopped reading, or did not answer a ping. */
function upstreamBroke(cause: Outcome['cause']): boolean {
  return cause.startsWith('upstream-');
}

function offence({ inARow }: EndpointHealth, settings: OutlierSettings): Offence | undefined {
  for (const key of ['connects', 'consecutive', 'gateway', 'handshakes', 'closes'] as const)
    if (settings[key] > 0 && inARow[key] >= settings[key]) return key;
  return undefined;
}

/**
 * Those whose success rate in the interval is far below that of their peers (Envoy's success rate ejection): below the mean less
 * `factor` standard deviations, among endpoints with enough requests.
 */
export function slackers(
  states: readonly EndpointHealth[],
  { successRate: { endpoints, requests, factor } }: OutlierSettings,
): EndpointHealth[] {
  const busy = states.filter((state) => !state.isOut && state.requests >= requests);
  if (factor === 0 || busy.length < endpoints) return [];
  const rates = busy.map((state) => state.successes / state.requests);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  const threshold = mean - factor * Math.sqrt(variance);
  return busy.filter((_, i) => rates[i]! < threshold);
}
