import { useEffect, useState } from 'preact/hooks';
import type { SessionAnswer } from '../../data/answers.ts';
import { rate } from '../../data/format.ts';
import { type Sample, sampled } from '../../data/samples.ts';
import { Figure } from '../../parts/figure.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

/** Messages per second each way, from one look to the next. */
export function MessageRates({ session }: { session: SessionAnswer }) {
  const [samples, set] = useState<readonly Sample[]>([]);
  const { ageSeconds } = session;
  useEffect(() => set((before) => sampled(before, session)), [ageSeconds]);
  const last = samples.at(-1);
  return (
    <dl class="figures">
      <Figure name="From the client" value={rate(last?.received)} more="messages">
        <Sparkline points={samples.map(({ received }) => received)} label="messages per second from the client" />
      </Figure>
      <Figure name="To the client" value={rate(last?.sent)} more="messages">
        <Sparkline points={samples.map(({ sent }) => sent)} label="messages per second to the client" />
      </Figure>
    </dl>
  );
}
