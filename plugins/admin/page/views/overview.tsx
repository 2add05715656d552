import { useLive } from '../data/use-live.ts';
import { Absent } from '../parts/absent.tsx';
import { Clusters } from './overview/clusters.tsx';
import { Listeners } from './overview/listeners.tsx';
import { State } from './overview/state.tsx';
import { TotalTraffic } from './overview/total-traffic.tsx';

/** How the sidecar is, and how its traffic goes. */
export function Overview() {
  const health = useLive('/healthz').value;
  const overview = useLive('/overview');
  const listeners = useLive('/listeners').value;
  const clusters = useLive('/clusters').value;
  if (health === undefined) return <p class="absent">Waiting for the first data …</p>;
  const traffic = overview.value;
  return (
    <>
      <h1 class="unseen">Overview</h1>
      <State health={health} />
      {overview.absent && <Absent what="Rates and percentiles are" path="/overview" plugin="metrics" />}
      {traffic !== undefined && <TotalTraffic overview={traffic} />}
      <h2>Listeners</h2>
      {listeners !== undefined && <Listeners listeners={listeners.listeners} traffic={traffic} />}
      <h2>Clusters</h2>
      {clusters !== undefined && <Clusters clusters={clusters.clusters} traffic={traffic} />}
    </>
  );
}
