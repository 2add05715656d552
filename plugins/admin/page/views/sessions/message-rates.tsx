import { useEffect, useState } from 'preact/hooks';
import type { BothWays } from '../../data/answers.ts';
import { rate } from '../../data/format.ts';
import { Figure } from '../../parts/figure.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';

/** Looks that a line goes back: some three minutes. */
const KEPT = 90;

/** Messages per second each way, and what they were since this was opened. `ageSeconds` of the session tells one look from the next. */
export function MessageRates({ perSecond, ageSeconds }: { perSecond: BothWays; ageSeconds: number }) {
  const [looks, set] = useState<readonly BothWays[]>([]);
  useEffect(() => set((before) => [...before, perSecond].slice(-KEPT)), [ageSeconds]);
  return (
    <dl class="figures">
      <Figure name="From the client" value={rate(perSecond.received)} more="messages">
        <Sparkline points={looks.map(({ received }) => received)} label="messages per second from the client" />
      </Figure>
      <Figure name="To the client" value={rate(perSecond.sent)} more="messages">
        <Sparkline points={looks.map(({ sent }) => sent)} label="messages per second to the client" />
      </Figure>
    </dl>
  );
}
