import { useEffect, useRef, useState } from 'preact/hooks';
import { hashOf } from '../data/address.ts';
import type { SessionAnswer } from '../data/answers.ts';
import { timeOfDay } from '../data/format.ts';
import { useLive } from '../data/use-live.ts';
import { Fields } from '../parts/fields.tsx';
import { CloseDialog } from './sessions/close-dialog.tsx';
import { fieldsOf } from './sessions/fields-of.ts';
import { MessageRates } from './sessions/message-rates.tsx';

/** Everything about one session, as long as it is open; then what was last known of it. */
export function SessionDetail({ id }: { id: string }) {
  const { value, at } = useLive('/sessions', String(new URLSearchParams({ id })));
  const [closing, setClosing] = useState(false);
  const [closedWith, setClosedWith] = useState<string>();
  const last = useRef<{ session: SessionAnswer; at: number }>(undefined);
  const session = value?.sessions[0];
  useEffect(() => {
    if (session !== undefined) last.current = { session, at };
  }, [session, at]);
  const known = session ?? last.current?.session;
  return (
    <>
      <p>
        <a href={hashOf('sessions')}>All sessions</a>
      </p>
      <h1>
        Session <span class="id">{id}</span>
      </h1>
      {closedWith !== undefined && (
        <p class="note" role="status">
          Asked to close: {closedWith}.
        </p>
      )}
      {value !== undefined && session === undefined && (
        <p class="banner warn" role="status">
          This session is not open{last.current && `; it was last seen at ${timeOfDay(last.current.at)}`}.
        </p>
      )}
      {session !== undefined && (
        <p class="buttons left">
          <button type="button" class="danger" onClick={() => setClosing(true)}>
            Close …
          </button>
        </p>
      )}
      {session?.messagesPerSecond !== undefined && (
        <MessageRates perSecond={session.messagesPerSecond} ageSeconds={session.ageSeconds} />
      )}
      {known !== undefined && <Fields of={fieldsOf(known)} />}
      {closing && known !== undefined && (
        <CloseDialog
          session={known}
          onDone={(how) => {
            setClosing(false);
            if (how !== undefined) setClosedWith(how);
          }}
        />
      )}
    </>
  );
}
