import type { Session } from './session.ts';
import type { SessionRecord } from './session-record.ts';
import type { Sessions } from './sessions.ts';

/** The open sessions as a doubly linked list through the sessions themselves: a request pays two pointer writes. */
export class OpenSessions implements Sessions {
  #first: SessionRecord | null = null;
  #last: SessionRecord | null = null;
  #size = 0;
  #idle: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  /** A walk over all: for people, not for a session's way. */
  get(id: string): Session | undefined {
    for (const session of this) if (session.id === id) return session;
    return undefined;
  }

  /** A session that ends while it is yielded does not disturb the walk. */
  *[Symbol.iterator](): Iterator<SessionRecord> {
    let session = this.#first;
    while (session !== null) {
      const next: SessionRecord | null = session.next;
      yield session;
      session = next;
    }
  }

  /** Resolves when none is open that `counts`; at once where that is so already. */
  async none(counts: (session: SessionRecord) => boolean = () => true): Promise<void> {
    while ([...this].some(counts)) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Called by SessionRecord. */
  add(session: SessionRecord): void {
    session.previous = this.#last;
    if (this.#last === null) this.#first = session;
    else this.#last.next = session;
    this.#last = session;
    this.#size++;
  }

  /** Called by SessionRecord. */
  remove(session: SessionRecord): void {
    if (session.previous === null) this.#first = session.next;
    else session.previous.next = session.next;
    if (session.next === null) this.#last = session.previous;
    else session.next.previous = session.previous;
    this.#size--;
    if (this.#idle.length > 0) {
      const waiting = this.#idle;
      this.#idle = [];
      for (const resolve of waiting) resolve();
    }
  }
}
