import { hashOf } from '../data/address.ts';

/** The links to the views. */
export function Navigation({ current, titles }: { current: string; titles: readonly (readonly [string, string])[] }) {
  return (
    <nav aria-label="Views">
      {titles.map(([view, title]) => (
        <a key={view} href={hashOf(view)} aria-current={view === current ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}
