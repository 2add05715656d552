import {
  type Attempt,
  type ConnectionHooks,
  chainHooks,
  type Message,
  type Outcome,
  VirtualClock,
} from '../src/index.ts';
import { collectingLogger, countingMetrics, type LogLine, sessionStandIn } from './stand-ins.ts';

export type Entry = { plugin: string; hooks: ConnectionHooks; onError?: 'open' | 'closed'; timeout?: number };

export const attempt = {} as Attempt;
export const outcome = {} as Outcome;
export const peer = { family: 'ipv4', host: '127.0.0.1', port: 1 } as const;
export const connection = {} as Parameters<NonNullable<ConnectionHooks['onConnection']>>[0];
export const message = (from: Message['from'], text = ''): Message => ({
  from,
  binary: false,
  data: Buffer.from(text),
});

/** A chain of these, and what it tells; what an entry does not say is closed, and has a second. */
export function chain(...entries: Entry[]) {
  const logs: LogLine[] = [];
  const counts: Record<string, number> = {};
  const clock = new VirtualClock();
  const hooks = chainHooks(
    entries.map((entry) => ({ onError: 'closed' as const, timeout: 1_000, ...entry })),
    { clock, logger: collectingLogger(logs), metrics: countingMetrics(counts) },
  );
  return { hooks, logs, counts, clock, session: sessionStandIn() };
}

export const failed = (plugin: string) => ({
  kind: 'reject',
  status: 500,
  reason: `plugin ${plugin} failed`,
  headers: undefined,
  plugin,
});
export const failedMessage = (plugin: string) => ({
  kind: 'close',
  code: 1011,
  reason: `plugin ${plugin} failed`,
  plugin,
});
