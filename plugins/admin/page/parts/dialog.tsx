import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly action: string;
  /** It takes something away. */
  readonly danger?: boolean;
  readonly problem?: string | undefined;
  readonly onSubmit: (form: FormData) => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

/** A question that has to be answered before anything else; Escape cancels it, and the focus returns to where it was. */
export function Dialog({ title, action, danger = false, problem, onSubmit, onCancel, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement;
    const element = dialog.current!;
    element.showModal();
    return () => {
      element.close();
      // A dialog that leaves the document gives no focus back.
      (before.isConnected ? before : document.getElementById('main'))?.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={onCancel}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit(new FormData(event.currentTarget));
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'}>
            {action}
          </button>
        </p>
      </form>
    </dialog>
  );
}
