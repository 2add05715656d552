import { useState } from 'preact/hooks';
import { ask } from '../../data/api.ts';
import { Dialog } from '../../parts/dialog.tsx';

/** Drains and ends the sidecar, after a question. */
export function DrainAction() {
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const drain = async (form: FormData) => {
    try {
      await ask(`/drain?code=${form.get('code')}`, { method: 'POST' });
      setAsking(false);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <section aria-label="Drain">
      <h2>Drain</h2>
      <p class="note">
        Takes no new work, ends what is open within its deadline, and then the process, as SIGTERM does.
      </p>
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        Drain …
      </button>
      {asking && (
        <Dialog
          title="Drain and end this sidecar?"
          action="Drain"
          danger
          problem={problem}
          onSubmit={(form) => void drain(form)}
          onCancel={() => setAsking(false)}
        >
          <p>It does not come back by itself. WebSockets are closed with</p>
          <label class="check">
            <input type="radio" name="code" value="1001" checked />
            <span>1001: it goes away</span>
          </label>
          <label class="check">
            <input type="radio" name="code" value="1012" />
            <span>1012: it restarts, come back</span>
          </label>
        </Dialog>
      )}
    </section>
  );
}
