import { count, timeOfDay } from '../data/format.ts';
import { useLive } from '../data/use-live.ts';

/** What nobody may overlook, whatever they look at. */
export function Banners() {
  const { value } = useLive('/healthz');
  if (value === undefined) return null;
  const { status, sessions, reloads } = value;
  return (
    <div class="banners">
      {status === 'draining' && (
        <p class="banner warn" role="status">
          <strong>Draining.</strong> New work goes elsewhere; {count(sessions, 'session')} still open.
        </p>
      )}
      {status === 'starting' && (
        <p class="banner warn" role="status">
          <strong>Starting.</strong> No listener accepts yet.
        </p>
      )}
      {reloads.last?.result === 'failed' && (
        <div class="banner bad" role="status">
          <strong>The reload of {timeOfDay(reloads.last.at)} failed;</strong> generation {value.generation} stays in
          force.
          <ul>
            {(reloads.last.problems ?? []).map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
