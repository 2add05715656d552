import { useState } from 'preact/hooks';
import type { ClusterAnswer, Overview } from '../../data/answers.ts';
import { Filters, Search } from '../../parts/filters.tsx';
import { ScrollBox } from '../../parts/table.tsx';
import { ClusterRows } from './cluster-rows.tsx';

/** So many are shown at once; a search finds the others. */
const AT_ONCE = 50;
/** From so many on there is a search. */
const MANY = 8;

/** The clusters with their endpoints. */
export function Clusters({ clusters, traffic }: { clusters: readonly ClusterAnswer[]; traffic: Overview | undefined }) {
  const [search, setSearch] = useState('');
  const found = clusters.filter(
    ({ name, endpoints }) => name.includes(search) || endpoints.some(({ address }) => address.includes(search)),
  );
  return (
    <>
      {clusters.length >= MANY && (
        <Filters>
          <Search label="Cluster or endpoint" value={search} onChange={setSearch} />
        </Filters>
      )}
      <ScrollBox label="Clusters and their endpoints">
        <table>
          <caption class="unseen">Clusters and their endpoints</caption>
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              <th scope="col">Health</th>
              <th scope="col" class="numeric">
                Weight
              </th>
              <th scope="col" class="numeric">
                In flight
              </th>
              <th scope="col" class="numeric">
                WebSockets
              </th>
              <th scope="col" class="numeric">
                Requests
              </th>
              <th scope="col" class="numeric">
                Success
              </th>
              <th scope="col" class="numeric">
                p50
              </th>
              <th scope="col" class="numeric">
                p95
              </th>
              <th scope="col" class="numeric">
                p99
              </th>
              <th scope="col">Last minutes</th>
            </tr>
          </thead>
          {found.slice(0, AT_ONCE).map((cluster) => (
            <ClusterRows key={cluster.name} cluster={cluster} traffic={traffic?.clusters[cluster.name]} />
          ))}
        </table>
      </ScrollBox>
      {found.length > AT_ONCE && (
        <p class="note">
          The first {AT_ONCE} of {found.length} clusters.
        </p>
      )}
    </>
  );
}
