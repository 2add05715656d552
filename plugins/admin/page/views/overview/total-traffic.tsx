import type { Overview } from '../../data/answers.ts';
import { duration, latency, number, percent, rate } from '../../data/format.ts';
import { Figure } from '../../parts/figure.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

/** Below this share of successes a figure is coloured. */
const GOOD_ENOUGH = 0.99;

/** The figures over all listeners, each with its course. */
export function TotalTraffic({ overview }: { overview: Overview }) {
  const { total, windowSeconds, seriesSeconds } = overview;
  const { requests, webSockets, series } = total;
  const span = `the last ${duration(seriesSeconds)}`;
  const poor = requests.successRatio !== null && requests.successRatio < GOOD_ENOUGH;
  return (
    <dl class="figures traffic" title={`of the last ${windowSeconds} s; the lines are ${span}`}>
      <Figure name="Requests" value={rate(requests.perSecond)}>
        <Sparkline points={series.perSecond} failed={series.failedPerSecond} label={`requests per second, ${span}`} />
      </Figure>
      <Figure name="Success" value={percent(requests.successRatio)} tone={poor ? 'bad' : undefined}>
        <Sparkline points={series.successRatio} most={1} label={`share of successes, ${span}`} />
      </Figure>
      <Figure name="p50" value={latency(requests.p50Seconds)}>
        <Sparkline points={series.p50Seconds} label={`median, ${span}`} />
      </Figure>
      <Figure name="p95" value={latency(requests.p95Seconds)}>
        <Sparkline points={series.p95Seconds} label={`95th percentile, ${span}`} />
      </Figure>
      <Figure name="p99" value={latency(requests.p99Seconds)}>
        <Sparkline points={series.p99Seconds} label={`99th percentile, ${span}`} />
      </Figure>
      <Figure name="WebSockets" value={number(webSockets.open)} more={`${rate(webSockets.openedPerSecond)} opened`}>
        <Sparkline points={series.open} label={`open WebSockets, ${span}`} />
      </Figure>
    </dl>
  );
}
