import type { AdminDetails, BalancerFactory, Clock, Endpoint, Sample } from '@outrigger/core';
import { Choosing } from './choosing.ts';

interface Settings {
  /** Milliseconds. */
  readonly decay?: number;
  readonly default?: number;
}

/** A failure counts as so slow an answer: an endpoint that refuses at once must not look quick. */
const FAILURE_MS = 1_000;

/**
 * What is known of endpoints, by the endpoint itself: whatever becomes of settings, policies and lists, one that stays is not
 * measured anew.
 */
export class Latencies {
  readonly #clock: Clock;
  readonly #entries = new WeakMap<Endpoint, Entry>();
  /** The average as the last measurement left it, in milliseconds. */
  readonly details: AdminDetails = {
    endpoint: (endpoint) => {
      const entry = this.#entries.get(endpoint);
      return entry && { ewmaMs: Math.round(entry.ms * 1_000) / 1_000 };
    },
    schemas: { endpoint: { ewmaMs: { type: 'number', minimum: 0 } } },
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The entry of `endpoint`, taken to need `ms` where nothing was measured. */
  of(endpoint: Endpoint, ms: number): Entry {
    let entry = this.#entries.get(endpoint);
    if (entry === undefined) {
      entry = { endpoint, ms, at: this.#clock.now() };
      this.#entries.set(endpoint, entry);
    }
    return entry;
  }
}

/** `peak-ewma`: of two random endpoints the one where a session costs less by what was measured. */
export function peakEwma(clock: Clock, latencies: Latencies): BalancerFactory {
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
    create: (settings) => new PeakEwma(settings, clock, latencies),
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
  readonly #latencies: Latencies;
  #byEndpoint = new Map<Endpoint, Entry>();

  constructor(
    { decay = 10_000, default: byDefault = 30 }: Settings,
    clock: Clock,
    latencies: Latencies = new Latencies(clock),
    random: () => number = Math.random,
  ) {
    super(2, random);
    this.#clock = clock;
    this.#latencies = latencies;
    this.#decay = decay;
    this.#default = byDefault;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.entries = endpoints.map((endpoint) => this.#latencies.of(endpoint, this.#default));
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

/** Of one endpoint. */
interface Entry {
  readonly endpoint: Endpoint;
  /** The average as it was at `at`. */
  ms: number;
  at: number;
}
