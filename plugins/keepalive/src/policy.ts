import type { Session, Side } from '@outrigger/core';
import type { KeepaliveSettings, LegSection, LimitSection } from './settings.ts';

/** What holds for one leg; milliseconds. */
export interface LegPolicy {
  readonly interval: number;
  readonly timeout: number;
}

/** What holds for a session; milliseconds, Infinity is never. Sessions whose settings say the same share one. */
export interface Policy extends Readonly<Record<Side, LegPolicy>> {
  readonly comments: number;
  readonly idleTimeout: number;
  readonly maxAge: number;
}

/** An interval from the limit that a peer has declared: half of it, so that two of ours fit in. */
export const SAFE_PART = 0.5;

/** Finds a session's policy. */
export class Policies {
  readonly #settings: KeepaliveSettings;
  readonly #known = new Map<string, Policy>();

  constructor(settings: KeepaliveSettings) {
    this.#settings = settings;
  }

  /** Called once for each WebSocket and event stream, when it opens. */
  of({ connection, route, cluster }: Session): Policy {
    const listener = connection.listener.settings['keepalive'] as (LegSection & LimitSection) | undefined;
    const limits = route?.settings['keepalive'] as LimitSection | undefined;
    const upstream = cluster?.settings['keepalive'] as LegSection | undefined;
    const { websocket, eventStream } = this.#settings;
    const policy: Policy = {
      downstream: legPolicy(listener, websocket),
      upstream: legPolicy(upstream, websocket),
      comments: interval(listener, eventStream.interval),
      idleTimeout: limits?.idleTimeout ?? listener?.idleTimeout ?? this.#settings.idleTimeout,
      maxAge: limits?.maxAge ?? listener?.maxAge ?? this.#settings.maxAge,
    };
    const key = Object.values(policy)
      .map((value) => (typeof value === 'number' ? value : `${value.interval}/${value.timeout}`))
      .join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, policy);
    return policy;
  }
}

function legPolicy(section: LegSection | undefined, own: LegPolicy): LegPolicy {
  return { interval: interval(section, own.interval), timeout: section?.timeout ?? own.timeout };
}

function interval(section: LegSection | undefined, own: number): number {
  if (section?.peerIdleTimeout === undefined) return section?.interval ?? own;
  const safe = section.peerIdleTimeout * SAFE_PART;
  return section.interval === undefined ? safe : Math.min(section.interval, safe);
}
