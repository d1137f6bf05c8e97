/*
 * A question before something is done, in the browser's own <dialog>: it
 * holds the focus, closes with Esc, and gives the focus back.
 */

import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { tellProblem } from '../notice.js';


/*
 * act(fields) does it, fields being the form's values by name; where it
 * throws, the problem is shown and the dialog stays.  With result() it stays
 * too, and shows what that makes of what act() gave.  What fails after it was
 * closed is told outside of it.
 */
export function Dialog({ title, label, danger, act, result, close, children }) {
    const dialog = useRef(null);
    const id = useId();
    const [state, setState] = useState({});
    const done = state.answer && result;

    useEffect(() => {
        const from = document.activeElement;

        dialog.current.showModal();

        return () => from?.isConnected && from.focus();
    }, []);

    async function submit(event) {
        event.preventDefault();

        if (state.busy) {
            return;
        }

        const fields = Object.fromEntries(new FormData(event.currentTarget));

        setState({ busy: true });

        try {
            const answer = await act(fields);

            if (result) {
                setState({ answer });

            } else if (dialog.current) {
                close();
            }

        } catch (problem) {
            if (dialog.current) {
                setState({ problem });

            } else {
                tellProblem(problem);
            }
        }
    }

    return (
        <dialog ref={dialog} aria-labelledby={id} onClose={close}>
            <form onSubmit={submit}>
                <h2 id={id}>{title}</h2>
                {children}
                <div role="status">
                    {state.busy && <p class="quiet">Under way…</p>}
                    {state.problem && (
                        <p class="field-problem">
                            <strong>{state.problem.message}.</strong>{' '}
                            {state.problem.detail}
                        </p>
                    )}
                    {done && result(state.answer)}
                </div>
                <div class="actions">
                    <button type="button"
                            onClick={() => dialog.current.close()}>
                        {done ? 'Close' : 'Cancel'}
                    </button>
                    <button type="submit" aria-disabled={state.busy}
                            class={danger ? 'danger' : 'primary'}>
                        {done ? 'Send another' : label}
                    </button>
                </div>
            </form>
        </dialog>
    );
}
