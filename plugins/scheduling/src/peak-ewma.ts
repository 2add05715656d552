import type { BalancerFactory, Clock, Endpoint, Sample } from '@outrigger/core';
import { Choosing } from './choosing.ts';

interface Settings {
  /** Milliseconds. */
  readonly decay?: number;
  readonly default?: number;
}

/** A failure counts as so slow an answer: an endpoint that refuses at once must not look quick. */
const FAILURE_MS = 1_000;

/** `peak-ewma`: of two random endpoints the one where a session costs less by what was measured. */
export function peakEwma(clock: Clock): BalancerFactory {
  return {
    policy: 'peak-ewma',
    config: {
      decay: {
        doc: 'Time in which what was measured loses two thirds of its say.',
        format: 'duration',
        default: '10s',
      },
      default: { doc: 'What an endpoint is taken to need before it is measured.', format: 'duration', default: '30ms' },
    },
    create: (settings) => new PeakEwma(settings, clock),
  };
}

/**
 * Finagle's and linkerd2's peak EWMA: `latency × (open + 1) / weight`, the cheaper of two random endpoints. The latency is a
 * moving average that jumps to every peak and decays from it over time, so that one slow answer is felt at once, and one that
 * nobody asks any more is asked again. Measured are the time to a response's head and the round trip of a WebSocket's ping:
 * never how long a session lasts.
 */
export class PeakEwma extends Choosing<Entry> {
  readonly #clock: Clock;
  readonly #decay: number;
  readonly #default: number;
  #byEndpoint = new Map<Endpoint, Entry>();

  constructor({ decay = 10_000, default: byDefault = 30 }: Settings, clock: Clock, random: () => number = Math.random) {
    super(2, random);
    this.#clock = clock;
    this.#decay = decay;
    this.#default = byDefault;
  }

  update(endpoints: readonly Endpoint[]): void {
    const known = this.#byEndpoint;
    const now = this.#clock.now();
    this.entries = endpoints.map((endpoint) => known.get(endpoint) ?? { endpoint, ms: this.#default, at: now });
    this.#byEndpoint = new Map(this.entries.map((entry) => [entry.endpoint, entry]));
  }

  observe(endpoint: Endpoint, { kind, ms }: Sample): void {
    if (kind === 'begin' || kind === 'end') return;
    const entry = this.#byEndpoint.get(endpoint);
    if (entry === undefined) return;
    const measured = kind === 'failure' ? FAILURE_MS : ms;
    const now = this.#clock.now();
    const kept = Math.exp((entry.at - now) / this.#decay);
    entry.ms = measured > entry.ms * kept ? measured : entry.ms * kept + measured * (1 - kept);
    entry.at = now;
  }

  protected cost({ endpoint, ms, at }: Entry): number {
    const latency = ms * Math.exp((at - this.#clock.now()) / this.#decay);
    return (latency * (endpoint.requests + endpoint.streams + 1)) / endpoint.weight;
  }
}

interface Entry {
  readonly endpoint: Endpoint;
  /** The average as it was at `at`. */
  ms: number;
  at: number;
}
