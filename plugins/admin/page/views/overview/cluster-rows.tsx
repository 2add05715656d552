import { hashOf } from '../../data/address.ts';
import type { ClusterAnswer, EndpointAnswer, Overview, Traffic } from '../../data/answers.ts';
import { latency, number, percent, rate } from '../../data/format.ts';
import { verdictOn } from '../../data/words.ts';
import { Badge } from '../../parts/badge.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

type ClusterTraffic = Overview['clusters'][string];

/** A cluster, and below it its endpoints. */
export function ClusterRows({ cluster, traffic }: { cluster: ClusterAnswer; traffic: ClusterTraffic | undefined }) {
  const { name, requests, streams, endpoints, leaving = [], panic = false } = cluster;
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup">
          <a href={hashOf('sessions', undefined, { cluster: name })}>{name}</a>
        </th>
        <td>{panic ? <Badge tone="bad">too few are in: all are used</Badge> : summary(cluster)}</td>
        <td />
        <td class="numeric">{number(requests)}</td>
        <td class="numeric">{number(streams)}</td>
        <TrafficCells to={name} traffic={traffic} />
      </tr>
      {[...endpoints, ...leaving].map((endpoint, index) => (
        <EndpointRow
          key={`${endpoint.address} ${index}`}
          endpoint={endpoint}
          leaving={index >= endpoints.length}
          panic={panic}
          traffic={traffic?.endpoints[endpoint.address]}
        />
      ))}
    </tbody>
  );
}

interface EndpointProps {
  readonly endpoint: EndpointAnswer;
  readonly leaving: boolean;
  readonly panic: boolean;
  readonly traffic: Traffic | undefined;
}

function EndpointRow({ endpoint, leaving, panic, traffic }: EndpointProps) {
  const { address, weight, requests, streams } = endpoint;
  const { tone, word, why } = verdictOn(endpoint, leaving, panic);
  return (
    <tr>
      <th scope="row" class="endpoint">
        <a href={hashOf('sessions', undefined, { endpoint: address })}>{address}</a>
      </th>
      <td>
        <Badge tone={tone}>{word}</Badge>
        {why !== '' && <span class="why">{why}</span>}
      </td>
      <td class="numeric">{number(weight)}</td>
      <td class="numeric">{number(requests)}</td>
      <td class="numeric">{number(streams)}</td>
      <TrafficCells to={address} traffic={traffic} />
    </tr>
  );
}

function TrafficCells({ to, traffic }: { to: string; traffic: Traffic | undefined }) {
  const { requests, series } = traffic ?? {};
  return (
    <>
      <td class="numeric">{rate(requests?.perSecond)}</td>
      <td class="numeric">{percent(requests?.successRatio)}</td>
      <td class="numeric">{latency(requests?.p50Seconds)}</td>
      <td class="numeric">{latency(requests?.p95Seconds)}</td>
      <td class="numeric">{latency(requests?.p99Seconds)}</td>
      <td>
        <Sparkline points={series?.perSecond} failed={series?.failedPerSecond} label={`requests per second to ${to}`} />
      </td>
    </>
  );
}

function summary({ endpoints, out }: ClusterAnswer) {
  if (endpoints.length === 0) return <Badge tone="bad">no endpoints</Badge>;
  return out === 0 ? null : <Badge tone="bad">{`${out} of ${endpoints.length} out`}</Badge>;
}
