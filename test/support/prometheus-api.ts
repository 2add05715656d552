import { expect } from 'chai';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError?: string;
}

/** The HTTP API of a Prometheus. What it refuses fails the test. */
export class PrometheusApi {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.#base}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { data, error } = (await response.json()) as { data: T; error?: string };
    expect(error, JSON.stringify(parameters)).to.equal(undefined);
    return data;
  }

  async query(query: string): Promise<readonly Sample[]> {
    return (await this.get<{ result: readonly Sample[] }>('query', { query })).result;
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.get<{ groups: readonly { readonly rules: readonly Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }
}
