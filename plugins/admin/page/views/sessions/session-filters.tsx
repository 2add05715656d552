import type { Address } from '../../data/address.ts';
import type { SessionAnswer } from '../../data/answers.ts';
import { setQuery } from '../../data/use-address.ts';
import { useLive } from '../../data/use-live.ts';
import { Choice, Filters, Search } from '../../parts/filters.tsx';

/** What `/sessions` chooses by. */
export const CHOICES = ['kind', 'listener', 'route', 'cluster', 'endpoint'] as const;

/** Chooses sessions; what is chosen stands in the address. */
export function SessionFilters({ address, sessions }: { address: Address; sessions: readonly SessionAnswer[] }) {
  const listeners = useLive('/listeners').value?.listeners ?? [];
  const clusters = useLive('/clusters').value?.clusters ?? [];
  const options: Readonly<Record<(typeof CHOICES)[number], readonly string[]>> = {
    kind: ['http', 'websocket'],
    listener: listeners.map(({ name }) => name),
    route: sessions.flatMap(({ route }) => route ?? []),
    cluster: clusters.map(({ name }) => name),
    endpoint: clusters.flatMap(({ endpoints, leaving = [] }) => [...endpoints, ...leaving].map((one) => one.address)),
  };
  const set = (name: string) => (value: string) => setQuery('sessions', address, name, value);
  return (
    <Filters>
      <Search
        label="Id or client"
        value={address.query.get('text') ?? ''}
        placeholder="2c19… or 127.0.0.1"
        onChange={set('text')}
      />
      {CHOICES.map((name) => (
        <Choice
          key={name}
          label={name[0]!.toUpperCase() + name.slice(1)}
          value={address.query.get(name) ?? ''}
          options={[...new Set(options[name])].sort()}
          onChange={set(name)}
        />
      ))}
    </Filters>
  );
}
