import type { Answers } from './answers.ts';
import { ask, Refused, refusal, request } from './api.ts';
import { EventReader } from './event-reader.ts';

/** What is known of a path. */
export interface Told<T = unknown> {
  readonly value?: T;
  /** Why there is no value, as the path tells it. */
  readonly error?: string;
  /** Milliseconds since 1970, as this browser counts them. */
  readonly at: number;
  /** The sidecar has no such path: a plugin is off. */
  readonly absent?: true;
}

export interface Connection {
  readonly state: 'connecting' | 'open' | 'lost';
  /** When the last data came; undefined before the first. */
  readonly lastAt?: number;
  readonly why?: string;
}

const EVERY_SECONDS = 2;
/** The sidecar speaks every ten seconds at least. */
const SILENCE_MS = 25_000;
const BACKOFF = { first: 500, most: 15_000 };

/** One stream for everything that is on the page: it follows the paths that somebody wants, while they want them. */
class Live {
  readonly #wanted = new Map<string, number>();
  readonly #told = new Map<string, Told>();
  readonly #listeners = new Set<() => void>();
  #stream: AbortController | undefined;
  #due: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #generation: number | undefined;
  connection: Connection = { state: 'connecting' };
  paths: Answers['/']['paths'] = [];

  constructor() {
    // Nobody looks at a page that is hidden: it leaves the stream to others, and asks anew when it is shown.
    document.addEventListener('visibilitychange', () => this.#openIn(0));
  }

  /** Follows a path until the function that it returns is called. */
  want(path: string): () => void {
    const before = this.#wanted.get(path) ?? 0;
    this.#wanted.set(path, before + 1);
    if (before === 0) this.#openIn(0);
    return () => {
      const left = this.#wanted.get(path)! - 1;
      if (left > 0) this.#wanted.set(path, left);
      else {
        this.#wanted.delete(path);
        this.#openIn(0);
      }
    };
  }

  told(path: string): Told | undefined {
    return this.#told.get(path);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks everything anew at once: where the connection is lost, or what has just been changed is to be seen. */
  retry(): void {
    this.#openIn(0);
  }

  #openIn(ms: number): void {
    clearTimeout(this.#due);
    this.#due = setTimeout(() => void this.#open(), ms);
  }

  async #open(): Promise<void> {
    this.#stream?.abort();
    this.#stream = undefined;
    if (this.#wanted.size === 0 || document.hidden) return;
    const stream = new AbortController();
    this.#stream = stream;
    try {
      const { paths } = await ask<Answers['/']>('/', { signal: stream.signal });
      this.paths = paths;
      await this.#follow(this.#present(), stream);
      this.#lost('the sidecar has ended the stream');
    } catch (error) {
      if (this.#stream === stream) this.#lost(reasonOf(error));
    }
  }

  /** Of the wanted paths those that there are. */
  #present(): string[] {
    const known = new Set(this.paths.filter(({ method }) => method === 'GET').map(({ path }) => path));
    const wanted = [...this.#wanted.keys()];
    for (const path of wanted)
      if (!known.has(path.split('?', 1)[0]!)) this.#told.set(path, { absent: true, at: Date.now() });
    return wanted.filter((path) => known.has(path.split('?', 1)[0]!));
  }

  async #follow(paths: readonly string[], stream: AbortController): Promise<void> {
    const query = new URLSearchParams([...paths.map((path) => ['path', path]), ['every', String(EVERY_SECONDS)]]);
    const response = await request(`/live?${query}`, { signal: stream.signal });
    if (!response.ok) throw refusal(response, await response.text());
    this.#failures = 0;
    const reader = new EventReader((name, data) => this.#event(name, data));
    let silence = setTimeout(() => stream.abort(new Error('nothing came any more')), SILENCE_MS);
    try {
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
        clearTimeout(silence);
        silence = setTimeout(() => stream.abort(new Error('nothing came any more')), SILENCE_MS);
        reader.read(piece);
        this.#changed({ state: 'open', lastAt: Date.now() });
      }
    } finally {
      clearTimeout(silence);
    }
  }

  #event(name: string, data: string): void {
    if (!name.startsWith('/')) return;
    const value = JSON.parse(data) as object;
    this.#told.set(name, { ...('error' in value ? { error: String(value.error) } : { value }), at: Date.now() });
    if (name !== '/healthz') return;
    const { generation } = value as Answers['/healthz'];
    // Another configuration may have other plugins, and so other paths.
    if (this.#generation !== undefined && this.#generation !== generation) this.#openIn(0);
    this.#generation = generation;
  }

  #lost(why: string): void {
    const { lastAt } = this.connection;
    const delay = Math.min(BACKOFF.most, BACKOFF.first * 2 ** this.#failures++) * (0.75 + Math.random() / 2);
    this.#changed({ state: 'lost', why, ...(lastAt !== undefined && { lastAt }) });
    this.#openIn(delay);
  }

  #changed(connection: Connection): void {
    this.connection = connection;
    for (const listener of this.#listeners) listener();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  return error instanceof TypeError ? 'the address does not answer' : String((error as Error)?.message ?? error);
}

export const live = new Live();
