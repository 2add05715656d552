import { isDeepStrictEqual } from 'node:util';
import type { Clock, Cluster, Connector, Endpoint, OutReason } from '@outrigger/core';
import { probe } from './probe.ts';
import type { HealthSettings, OutlierSettings, SlowStartSettings } from './settings.ts';
import { slowStartFactor } from './slow-start.ts';

/** Why an endpoint is ejected. */
export type Offence = 'connects' | 'consecutive' | 'gateway' | 'handshakes' | 'closes' | 'success-rate';

/** What the states of all endpoints share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
  connectorOf(cluster: Cluster): Connector | undefined;
  /** Its factor has changed. `came`: it is in, or out, since now; a step of its slow start otherwise. */
  changed(state: EndpointHealth, came: 'in' | 'out' | undefined, why: string): void;
  checked(state: EndpointHealth, passed: boolean): void;
}

/** So often a weight grows in its slow start, at most. */
const STEP_MS = 1_000;

/** All that is known of one endpoint's health, and whether it may be picked. */
export class EndpointHealth {
  readonly endpoint: Endpoint;
  readonly cluster: Cluster;
  readonly #around: Surroundings;

  // Active checks
  #health: HealthSettings | undefined;
  #check: Disposable | undefined;
  /** undefined before the first verdict. */
  #passes: boolean | undefined;
  /** Results in a row that contradict `#passes`, or that are the first ones. */
  #contradictions = 0;
  #wrong: string | undefined;
  #failing = false;

  // Ejection
  readonly inARow: Record<Exclude<Offence, 'success-rate'>, number> = {
    connects: 0,
    consecutive: 0,
    gateway: 0,
    handshakes: 0,
    closes: 0,
  };
  /** Of the current interval. */
  requests = 0;
  successes = 0;
  ejectedFor: Offence | undefined = undefined;
  timesEjected = 0;
  /** Monotonic milliseconds at which the last ejection was over. */
  unejectedAt = Number.NEGATIVE_INFINITY;
  #until = 0;
  #ejection: Disposable | undefined;

  // Slow start
  #startedAt = Number.NEGATIVE_INFINITY;
  #step: Disposable | undefined;

  constructor(endpoint: Endpoint, cluster: Cluster, around: Surroundings) {
    this.endpoint = endpoint;
    this.cluster = cluster;
    this.#around = around;
  }

  get isOut(): boolean {
    return this.#failing || this.ejectedFor !== undefined;
  }

  get outBecause(): OutReason | undefined {
    if (this.#failing) return 'unhealthy';
    return this.ejectedFor === undefined ? undefined : 'ejected';
  }

  factor(): number {
    if (this.isOut) return 0;
    const slow = this.#slowStart;
    return slow === undefined ? 1 : slowStartFactor(slow, this.#around.clock.now() - this.#startedAt);
  }

  /** Takes on what the cluster's `health:` says now. What is known holds on until other checks say otherwise. */
  configure(health: HealthSettings | undefined): void {
    if (isDeepStrictEqual(health, this.#health)) return;
    this.#health = health;
    this.#check?.[Symbol.dispose]();
    this.#check = undefined;
    this.#contradictions = 0;
    if (health !== undefined && (health.tcp ?? health.http ?? health.websocket) !== undefined)
      return this.#wait(health, health.interval * this.#around.random() * 0.1);
    this.#passes = undefined;
    this.#wrong = undefined;
    this.#setFailing(false, 'is no longer checked');
  }

  eject(offence: Offence, { ejection, maxEjection }: OutlierSettings): void {
    const { clock } = this.#around;
    this.timesEjected++;
    const ms = Math.min(maxEjection, ejection * this.timesEjected);
    const was = this.isOut;
    this.ejectedFor = offence;
    this.#until = clock.wallTime() + ms;
    for (const key of Object.keys(this.inARow) as (keyof typeof this.inARow)[]) this.inARow[key] = 0;
    this.#ejection = clock.after(ms, () => this.uneject('its ejection is over'));
    this.#around.changed(this, was ? undefined : 'out', `ejected: ${offence}`);
  }

  uneject(why: string): void {
    if (this.ejectedFor === undefined) return;
    this.#ejection?.[Symbol.dispose]();
    this.ejectedFor = undefined;
    this.unejectedAt = this.#around.clock.now();
    if (!this.isOut) this.#recovered(why);
  }

  /** It has just come into the list. */
  arrived(): void {
    this.#beginSlowly();
  }

  dispose(): void {
    this.#check?.[Symbol.dispose]();
    this.#ejection?.[Symbol.dispose]();
    this.#step?.[Symbol.dispose]();
  }

  /** For the admin address. */
  describe(): object {
    const now = this.#around.clock.now();
    const slow = this.#slowStart;
    const starting = slow !== undefined && now - this.#startedAt < slow.window;
    return {
      state: this.isOut ? 'out' : starting ? 'slow-start' : 'in',
      ...(this.isOut && { why: this.why }),
      ...(this.ejectedFor !== undefined && { until: new Date(this.#until).toISOString() }),
      ...(this.#health !== undefined && {
        check: this.#passes === undefined && this.#wrong === undefined ? 'pending' : (this.#wrong ?? 'passed'),
      }),
      ...(this.cluster.settings['outlier'] !== undefined && {
        timesEjected: this.timesEjected,
        inARow: { ...this.inARow },
      }),
    };
  }

  get why(): string {
    if (this.ejectedFor !== undefined) return `ejected: ${this.ejectedFor}`;
    return this.#failing ? `check: ${this.#wrong}` : '';
  }

  /** When the ejection ends, in wall-clock milliseconds; undefined where it is not ejected. */
  get until(): number | undefined {
    return this.ejectedFor === undefined ? undefined : this.#until;
  }

  get #slowStart(): SlowStartSettings | undefined {
    return this.cluster.settings['slowStart'] as SlowStartSettings | undefined;
  }

  #wait(health: HealthSettings, ms: number): void {
    this.#check = this.#around.clock.after(ms, () => {
      const connector = this.#around.connectorOf(this.cluster);
      if (connector === undefined) return this.#wait(health, health.interval);
      const { endpoint, cluster } = this;
      this.#check = probe(health, { endpoint, cluster, connector, clock: this.#around.clock }, (wrong) => {
        this.#checked(health, wrong);
      });
    });
  }

  #checked(health: HealthSettings, wrong: string | undefined): void {
    const passed = wrong === undefined;
    this.#wrong = wrong;
    this.#around.checked(this, passed);
    // Who may be connected to is no longer out for refusing connections.
    if (passed && this.ejectedFor === 'connects') this.uneject('its checks pass');
    if (passed === this.#passes) this.#contradictions = 0;
    else {
      this.#contradictions++;
      // Who was never checked is believed to be well: one good check will do.
      const enough = passed ? (this.#passes === undefined ? 1 : health.rise) : health.fall;
      if (this.#contradictions >= enough) {
        const known = this.#passes !== undefined || !passed;
        this.#passes = passed;
        this.#contradictions = 0;
        if (known) this.#setFailing(!passed, passed ? 'its checks pass' : `check: ${wrong}`);
      }
    }
    const undecided = this.#contradictions > 0 || this.#passes === undefined;
    const jitter = 1 + health.jitter * (2 * this.#around.random() - 1);
    // A change may have stopped the checks meanwhile.
    if (this.#health === health) this.#wait(health, (undecided ? health.interval / 4 : health.interval) * jitter);
  }

  #setFailing(failing: boolean, why: string): void {
    if (failing === this.#failing) return;
    const was = this.isOut;
    this.#failing = failing;
    if (failing) {
      if (!was) this.#around.changed(this, 'out', why);
      return;
    }
    // A check that passes again is a better witness than the clock (Envoy: `successful_active_health_check_uneject_host`).
    if (this.ejectedFor !== undefined) this.uneject(why);
    else this.#recovered(why);
  }

  #recovered(why: string): void {
    this.#beginSlowly();
    this.#around.changed(this, 'in', why);
  }

  #beginSlowly(): void {
    if (this.#slowStart === undefined) return;
    this.#startedAt = this.#around.clock.now();
    this.#step?.[Symbol.dispose]();
    this.#stepLater();
  }

  #stepLater(): void {
    const slow = this.#slowStart;
    if (slow === undefined) return;
    this.#step = this.#around.clock.after(Math.max(STEP_MS, slow.window / 20), () => {
      if (!this.isOut) this.#around.changed(this, undefined, 'slow start');
      if (this.#around.clock.now() - this.#startedAt < slow.window) this.#stepLater();
    });
  }
}
