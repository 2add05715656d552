import { useState } from 'preact/hooks';
import { ask } from '../../data/api.ts';
import { live } from '../../data/live.ts';
import { useLive } from '../../data/use-live.ts';
import { Absent } from '../../parts/absent.tsx';

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** Changes what is logged, until the process ends. */
export function LogLevel() {
  const { value, absent } = useLive('/logging');
  const [problem, setProblem] = useState<string>();
  const set = async (level: string) => {
    try {
      await ask(`/logging?level=${level}`, { method: 'POST' });
      setProblem(undefined);
      live.retry();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <section aria-label="Log level">
      <h2>Log level</h2>
      {absent && <Absent what="Changing the log level is" path="/logging" />}
      {value !== undefined && (
        <label class="inline">
          <span>Log from this level on, until the process ends</span>
          <select value={value.level} onChange={(event) => void set(event.currentTarget.value)}>
            {LEVELS.map((level) => (
              <option key={level} value={level}>
                {level}
              </option>
            ))}
          </select>
        </label>
      )}
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
