import type { Attempt, Cause, Cluster, Endpoint, Session, Slot } from '@outrigger/core';

export interface Asked {
  readonly cluster: Cluster;
  readonly method?: string;
  readonly kind?: 'http' | 'websocket';
}

/** A cluster whose policy is: the first endpoint that was not tried. */
export function clusterOf(count: number, settings: Record<string, unknown>): Cluster {
  const endpoints = Array.from({ length: count }, (_, i) => ({ address: `e${i}` }) as Endpoint);
  return {
    name: 'app',
    settings,
    endpoints,
    pick: (_session: Session, tried: readonly Endpoint[]) => endpoints.find((one) => !tried.includes(one)),
  } as unknown as Cluster;
}

export function sessionOf({ cluster, method = 'GET', kind = 'http' }: Asked) {
  const state: unknown[] = [];
  const abort = new AbortController();
  return {
    kind,
    cluster,
    request: { method },
    attempts: [] as Attempt[],
    signal: abort.signal,
    abort: () => abort.abort(),
    state: (slot: Slot<unknown>) => state[slot.index],
    setState: (slot: Slot<unknown>, value: unknown) => {
      state[slot.index] = value;
    },
  } as unknown as Session & { attempts: Attempt[]; abort(): void };
}

/** One more attempt, at the endpoint `at`, that ended so. */
export function attempted(
  session: { attempts: Attempt[]; cluster?: Cluster | undefined },
  told: number | Cause,
  at: number,
  reused = false,
) {
  const attempt = {
    number: session.attempts.length + 1,
    endpoint: session.cluster!.endpoints[at]!,
    reused,
    ...(typeof told === 'number' ? { status: told } : { failure: { cause: told } }),
  } as Attempt;
  session.attempts.push(attempt);
  return attempt;
}
