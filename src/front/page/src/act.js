/*
 * What one click sets off.
 */

import { useRef } from 'preact/hooks';

const DOUBLE = 1000;                     /* ms: a double click is one click */


/*
 * act(), which does nothing while it is under way, or just was, with the same
 * first argument.
 */
export function useOnce(act) {
    const held = useRef(new Set());

    return async (what) => {
        if (held.current.has(what)) {
            return;
        }

        held.current.add(what);

        try {
            await act(what);

        } finally {
            setTimeout(() => held.current.delete(what), DOUBLE);
        }
    };
}
