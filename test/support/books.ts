import {
  type Attempt,
  type Connection,
  ConnectionHooks,
  definePlugin,
  type Outcome,
  type Plugin,
  type Session,
} from '@outrigger/core';
import { expect } from 'chai';
import type { TestSidecar } from './sidecar.ts';
import { eventually } from './virtual-time.ts';

/** A plugin that counts what the life cycle promises to call exactly once. */
export class Books {
  readonly outcomes: Outcome[] = [];
  readonly #sessions = new Map<Session, number>();
  readonly #attempts = new Map<Attempt, number>();
  readonly #connections = new Map<Connection, number>();

  readonly plugin: Plugin = definePlugin({
    name: 'books',
    bind: (bind) =>
      void bind(ConnectionHooks).toConstantValue({
        onConnection: (connection) => this.#open(this.#connections, connection),
        onRequest: (session) => this.#open(this.#sessions, session),
        onAttempt: (_, attempt) => this.#open(this.#attempts, attempt),
        onAttemptEnd: (_, attempt) => this.#close(this.#attempts, attempt),
        onSessionEnd: (session, outcome) => {
          this.#close(this.#sessions, session);
          this.outcomes.push(outcome);
        },
        onDisconnect: (connection) => this.#close(this.#connections, connection),
      }),
  });

  get sessions(): number {
    return this.#sessions.size;
  }

  get attempts(): number {
    return this.#attempts.size;
  }

  get causes(): string[] {
    return this.outcomes.map(({ cause }) => cause);
  }

  /** Every connection is to be closed by now, or closing: then all that was begun has ended, once, and nothing is counted. */
  async balance(sidecar: TestSidecar): Promise<void> {
    await sidecar.runtime.sessions.none();
    await eventually(() => [...this.#connections.values()].every((ends) => ends > 0));
    for (const ends of [...this.#sessions.values(), ...this.#attempts.values(), ...this.#connections.values()])
      expect(ends, 'ends of one session, attempt or connection').to.equal(1);
    expect(sidecar.runtime.sessions.size).to.equal(0);
    for (const { requests, streams } of sidecar.runtime.clusters.get('app')!.endpoints)
      expect({ requests, streams }).to.deep.equal({ requests: 0, streams: 0 });
    for (const { cause } of this.outcomes) expect(cause, 'a defect').to.not.equal('internal');
  }

  #open<T>(ends: Map<T, number>, one: T): undefined {
    expect(ends.has(one), 'begun twice').to.equal(false);
    ends.set(one, 0);
    return undefined;
  }

  #close<T>(ends: Map<T, number>, one: T): void {
    ends.set(one, (ends.get(one) ?? 0) + 1);
  }
}
