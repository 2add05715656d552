import type { EndpointAnswer, Health } from './answers.ts';
import { timeOfDay } from './format.ts';

/** How urgent something looks. */
export type Tone = 'good' | 'warn' | 'bad' | 'calm';

export interface Verdict {
  readonly tone: Tone;
  readonly word: string;
  /** Why, and until when, in words; empty where there is nothing to explain. */
  readonly why: string;
}

/** The offences of the health plugin's outlier ejection. */
const OFFENCES: Readonly<Record<string, string>> = {
  connects: 'could not be connected to, several times in a row',
  consecutive: 'failed or answered 5xx, several times in a row',
  gateway: 'failed or answered 502, 503 or 504, several times in a row',
  handshakes: 'WebSocket handshakes failed, several times in a row',
  closes: 'WebSockets ended abnormally, several times in a row',
  'success-rate': 'its success rate is far below that of the others',
};

/** The health of an endpoint. `panic`: so few are in that those that are out are used nevertheless. */
export function verdictOn({ health, until }: EndpointAnswer, leaving: boolean, panic: boolean): Verdict {
  if (leaving)
    return {
      tone: 'warn',
      word: 'leaving',
      why: `no longer in the list; what is open goes on${until === undefined ? '' : ` until ${timeOfDay(until)}`}`,
    };
  if (health === undefined) return { tone: 'calm', word: 'not checked', why: '' };
  if (health.state === 'out') return { tone: 'bad', word: panic ? 'out, but used' : 'out', why: reasonOf(health) };
  if (health.state === 'slow-start') return { tone: 'warn', word: 'slow start', why: 'its share grows step by step' };
  if (health.check === undefined || health.check === 'passed') return { tone: 'good', word: 'in', why: '' };
  if (health.check === 'pending') return { tone: 'good', word: 'in', why: 'first check under way' };
  return { tone: 'warn', word: 'in', why: `the last check failed: ${health.check}` };
}

function reasonOf({ why = '', until }: Health): string {
  const [kind, rest = ''] = split(why);
  const end = until === undefined ? '' : `; back at ${timeOfDay(until)}`;
  if (kind === 'ejected') return `ejected: ${OFFENCES[rest] ?? rest}${end}`;
  if (kind === 'check') return `checks fail: ${rest}`;
  return why;
}

function split(why: string): [kind: string, rest?: string] {
  const at = why.indexOf(': ');
  return at < 0 ? [why] : [why.slice(0, at), why.slice(at + 2)];
}
