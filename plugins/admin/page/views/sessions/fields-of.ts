import type { BothSides, BothWays, SessionAnswer } from '../../data/answers.ts';
import { bytes, duration, latency, number, plain, rate } from '../../data/format.ts';

type Shown = (value: never) => string;

const sides = (show: (value: number | null) => string) => (value: BothSides) =>
  `client ${show(value.downstream)}, endpoint ${show(value.upstream)}`;

const ways = (show: (value: number) => string) => (value: BothWays) =>
  `received ${show(value.received)}, sent ${show(value.sent)}`;

/** How the fields that have a unit are shown; the others are shown as they are. */
const KNOWN: Readonly<Record<string, readonly [name: string, show: Shown]>> = {
  ageSeconds: ['age', duration],
  bytes: ['bytes', ways(bytes)],
  messages: ['messages', ways(number)],
  messagesPerSecond: ['messages per second', ways(rate)],
  idleSeconds: [
    'idle',
    (value: number | BothSides) => (typeof value === 'number' ? duration(value) : sides(duration)(value)),
  ],
  buffered: ['buffered', sides(bytes)],
  pingMs: ['ping round trip', sides((ms) => latency(ms === null ? null : ms / 1_000))],
};

/** Every field of a session, in the order of the answer, those of other plugins as well. */
export function fieldsOf(session: SessionAnswer): (readonly [string, string])[] {
  return Object.entries(session).map(([key, value]) => {
    const known = KNOWN[key];
    if (known === undefined) return [key, value === null ? '–' : plain(value)];
    return [known[0], known[1](value as never)];
  });
}
