import { useEffect, useState } from 'preact/hooks';
import { onTokenWanted, Refused } from '../data/api.ts';
import { Dialog } from './dialog.tsx';

interface Question {
  readonly wrong: boolean;
  answer(token: string): void;
  refuse(error: Error): void;
}

/** Asks for the token where the address wants one. */
export function TokenDialog() {
  const [question, ask] = useState<Question>();
  useEffect(() => onTokenWanted((wrong) => new Promise((answer, refuse) => ask({ wrong, answer, refuse }))), []);
  if (question === undefined) return null;
  return (
    <Dialog
      title="This address wants a token"
      action="Continue"
      problem={question.wrong ? 'That token was not accepted.' : undefined}
      onCancel={() => {
        ask(undefined);
        question.refuse(new Refused(401, 'the address wants a token'));
      }}
      onSubmit={(form) => {
        ask(undefined);
        question.answer(String(form.get('token')));
      }}
    >
      <label>
        <span>
          The sidecar's <code>admin.token</code>; kept until this tab is closed
        </span>
        <input name="token" type="password" autocomplete="off" required />
      </label>
    </Dialog>
  );
}
