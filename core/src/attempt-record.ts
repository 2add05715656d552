import type { Endpoint } from './cluster.ts';
import { checkFieldName, checkFieldValue } from './field-line.ts';
import type { HeaderOverlay } from './headers.ts';
import type { Attempt, Failure } from './session.ts';

/** What an attempt changes in the head: names in lower case; no value removes the field. */
export class Overlay implements HeaderOverlay {
  readonly names: string[] = [];
  readonly values: (string | undefined)[] = [];

  set(name: string, value: string): void {
    checkFieldName(name);
    checkFieldValue(name, value);
    this.#put(name.toLowerCase(), value);
  }

  remove(name: string): void {
    this.#put(name.toLowerCase(), undefined);
  }

  #put(name: string, value: string | undefined): void {
    const at = this.names.indexOf(name);
    if (at >= 0) this.values[at] = value;
    else {
      this.names.push(name);
      this.values.push(value);
    }
  }
}

/** One try, kept by {@link SessionRecord}. */
export class AttemptRecord implements Attempt {
  readonly number: number;
  readonly endpoint: Endpoint;
  readonly startedAt: number;
  reused = false;
  connectMs: number | undefined = undefined;
  headMs: number | undefined = undefined;
  status: number | undefined = undefined;
  failure: Failure | undefined = undefined;
  ended = false;
  /** Null while nobody has asked for it. */
  overlay: Overlay | null = null;

  constructor(number: number, endpoint: Endpoint, startedAt: number) {
    this.number = number;
    this.endpoint = endpoint;
    this.startedAt = startedAt;
  }

  get headers(): HeaderOverlay {
    this.overlay ??= new Overlay();
    return this.overlay;
  }
}
