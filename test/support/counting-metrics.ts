import { definePlugin, Metrics, type Plugin } from '@outrigger/core';

/** Metrics that keep what is counted and recorded: each time its name, and the values of its labels. */
export function countingMetrics(counted: string[]): Plugin {
  const instrument = (name: string) => ({
    with: (...labels: readonly string[]) => {
      const count = () => void counted.push([name, ...labels].join(' '));
      return { add: count, record: count, set() {} };
    },
  });
  const metrics: Metrics = {
    counter: instrument,
    gauge: instrument,
    histogram: instrument,
    onCollect: () => ({ [Symbol.dispose]() {} }),
  };
  return definePlugin({ name: 'counting', bind: (bind) => void bind(Metrics).toConstantValue(metrics) });
}
