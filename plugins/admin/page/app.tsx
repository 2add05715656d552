import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Address } from './data/address.ts';
import { useAddress } from './data/use-address.ts';
import { Banners } from './parts/banners.tsx';
import { ConnectionState } from './parts/connection-state.tsx';
import { Navigation } from './parts/navigation.tsx';
import { TokenDialog } from './parts/token-dialog.tsx';
import { Actions } from './views/actions.tsx';
import { Configuration } from './views/configuration.tsx';
import { Overview } from './views/overview.tsx';
import { SessionDetail } from './views/session-detail.tsx';
import { Sessions } from './views/sessions.tsx';
import { TraceDetail } from './views/trace-detail.tsx';
import { Traces } from './views/traces.tsx';

interface View {
  readonly title: string;
  readonly all: ComponentType<{ address: Address }>;
  readonly one?: ComponentType<{ id: string }>;
}

const VIEWS: Readonly<Record<string, View>> = {
  '': { title: 'Overview', all: Overview },
  sessions: { title: 'Sessions', all: Sessions, one: SessionDetail },
  traces: { title: 'Traces', all: Traces, one: TraceDetail },
  configuration: { title: 'Configuration', all: Configuration },
  actions: { title: 'Actions', all: Actions },
};

/** The whole page. */
export function App() {
  const address = useAddress();
  const name = Object.hasOwn(VIEWS, address.view) ? address.view : '';
  const { title, all: All, one: One } = VIEWS[name]!;
  useEffect(() => {
    document.title = `${title} · Outrigger`;
  }, [title]);
  return (
    <>
      {/* Not a link to #main: the hash is the address of a view. */}
      <button type="button" class="skip" onClick={() => document.getElementById('main')!.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <span class="brand">Outrigger</span>
        <Navigation current={name} titles={Object.entries(VIEWS).map(([view, { title }]) => [view, title])} />
        <ConnectionState />
      </header>
      <Banners />
      <main id="main" tabIndex={-1}>
        {One !== undefined && address.id !== undefined ? (
          <One key={address.id} id={address.id} />
        ) : (
          <All key={name} address={address} />
        )}
      </main>
      <TokenDialog />
    </>
  );
}
