import { timeOfDay } from '../data/format.ts';
import { live } from '../data/live.ts';
import { useConnection } from '../data/use-live.ts';

/** Whether what is shown is what is. */
export function ConnectionState() {
  const { state, lastAt, why } = useConnection();
  if (state === 'lost')
    return (
      <p class="connection lost" role="alert">
        <span class="dot bad" aria-hidden="true" />
        <span>
          Connection lost{lastAt === undefined ? '' : `; data of ${timeOfDay(lastAt)}`}
          <span class="why"> ({why})</span>
        </span>
        <button type="button" class="small" onClick={() => live.retry()}>
          Try now
        </button>
      </p>
    );
  return (
    <p class="connection" role="status">
      <span class={`dot ${state === 'open' ? 'good' : 'calm'}`} aria-hidden="true" />
      {state === 'open' ? 'Live' : 'Connecting …'}
    </p>
  );
}
