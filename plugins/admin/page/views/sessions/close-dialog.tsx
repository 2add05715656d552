import { useState } from 'preact/hooks';
import type { SessionAnswer } from '../../data/answers.ts';
import { ask } from '../../data/api.ts';
import { Dialog } from '../../parts/dialog.tsx';

interface CloseDialogProps {
  readonly session: SessionAnswer;
  /** What was asked for; undefined where it was called off. */
  readonly onDone: (how: string | undefined) => void;
}

/** Asks whether, and how, a session is to be closed. */
export function CloseDialog({ session, onDone }: CloseDialogProps) {
  const [problem, setProblem] = useState<string>();
  const webSocket = session.kind === 'websocket';
  const close = async (form: FormData) => {
    const code = String(form.get('code') ?? '');
    const reason = String(form.get('reason') ?? '');
    const query = webSocket ? `?${new URLSearchParams({ code, reason })}` : '';
    try {
      await ask(`/sessions/${encodeURIComponent(session.id)}${query}`, { method: 'DELETE' });
      onDone(webSocket ? `code ${code}${reason === '' ? '' : `, reason “${reason}”`}` : 'cut');
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <Dialog
      title="Close this session?"
      action="Close the session"
      danger
      problem={problem}
      onSubmit={(form) => void close(form)}
      onCancel={() => onDone(undefined)}
    >
      <p>
        {session.method} {session.path} of {session.peer}
        {webSocket ? ' is told why by a Close frame.' : ' is cut.'}
      </p>
      {webSocket && (
        <>
          <label>
            <span>Code: 1000 to 1014 as far as they may be sent, or 3000 to 4999</span>
            <input name="code" type="number" min={1000} max={4999} value={1001} required />
          </label>
          <label>
            <span>Reason: 123 bytes at most</span>
            <input name="reason" maxLength={123} value="admin-closed" />
          </label>
        </>
      )}
    </Dialog>
  );
}
