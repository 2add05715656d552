import { hashOf } from '../../data/address.ts';
import type { ClusterAnswer, EndpointAnswer, EndpointTraffic, Overview } from '../../data/answers.ts';
import { latency, number, percent, rate, successOf } from '../../data/format.ts';
import { verdictOn } from '../../data/words.ts';
import { Badge } from '../../parts/badge.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

type ClusterTraffic = Overview['clusters'][string];

/** A cluster, and below it its endpoints. */
export function ClusterRows({ cluster, traffic }: { cluster: ClusterAnswer; traffic: ClusterTraffic | undefined }) {
  const { name, endpoints, leaving = [], panic = false } = cluster;
  const all = [...endpoints, ...leaving];
  const sum = (of: (endpoint: EndpointAnswer) => number) => all.reduce((total, one) => total + of(one), 0);
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup">
          <a href={hashOf('sessions', undefined, { cluster: name })}>{name}</a>
        </th>
        <td>{panic ? <Badge tone="bad">too few are in: all are used</Badge> : summary(endpoints)}</td>
        <td />
        <td class="numeric">{number(sum(({ requests }) => requests))}</td>
        <td class="numeric">{number(sum(({ streams }) => streams))}</td>
        <td class="numeric">{rate(traffic?.requests.perSecond)}</td>
        <td class="numeric">{percent(traffic?.requests.successRatio)}</td>
        <td class="numeric">{latency(traffic?.requests.p99Seconds)}</td>
        <td>
          <Sparkline
            points={traffic?.series.perSecond}
            failed={traffic?.series.failedPerSecond}
            label={`requests per second to ${name}`}
          />
        </td>
      </tr>
      {all.map((endpoint, index) => (
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
  readonly traffic: EndpointTraffic | undefined;
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
      <td class="numeric">{rate(traffic?.perSecond)}</td>
      <td class="numeric">{percent(successOf(traffic?.perSecond, traffic?.failedPerSecond))}</td>
      <td />
      <td>
        <Sparkline
          points={traffic?.series.perSecond}
          failed={traffic?.series.failedPerSecond}
          label={`requests per second to ${address}`}
        />
      </td>
    </tr>
  );
}

function summary(endpoints: readonly EndpointAnswer[]) {
  const out = endpoints.filter(({ health }) => health?.state === 'out').length;
  if (endpoints.length === 0) return <Badge tone="bad">no endpoints</Badge>;
  return out === 0 ? null : <Badge tone="bad">{`${out} of ${endpoints.length} out`}</Badge>;
}
