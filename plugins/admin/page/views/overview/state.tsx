import type { Healthz } from '../../data/answers.ts';
import { duration, number } from '../../data/format.ts';
import { Figure } from '../../parts/figure.tsx';

/** The sidecar itself. */
export function State({ health }: { health: Healthz }) {
  const { status, generation, uptimeSeconds, reloads, version, sessions } = health;
  return (
    <dl class="figures state">
      <Figure name="State" value={status} tone={status === 'ready' ? undefined : 'warn'} />
      <Figure name="Up for" value={duration(uptimeSeconds)} />
      <Figure
        name="Generation"
        value={String(generation)}
        more={`reloads: ${reloads.changed} changed, ${reloads.failed} failed`}
      />
      <Figure name="Open sessions" value={number(sessions)} />
      <Figure name="Version" value={version} />
    </dl>
  );
}
