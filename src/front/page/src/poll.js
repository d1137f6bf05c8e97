/*
 * Live data: asks again and again while somebody looks, never twice at once,
 * and more rarely while asking fails.
 */

import { useEffect, useRef, useState } from 'preact/hooks';

import { get } from './api.js';
import { makeStore } from './store.js';

const EVERY = 5000;
const SOON = 1000;
const SOON_TIMES = 5;
const SLOWEST = 60000;
const SHARE = 10;                        /* at most 1/10 of the time */
const KEPT = 20;


/* Whether the page refreshes by itself: the switch in the header. */
export const live = makeStore(true);

/* The last answers by address: a view that was seen is there at once. */
const seen = new Map();


/*
 * Calls load(signal) at once, and then every so often, more rarely where the
 * answers are long in coming; tell() gets { data, at } or { error }.  Gives
 * refresh() and stop().
 */
export function poll(load, tell) {
    let timer = 0;
    let controller = null;
    let failures = 0;
    let again = false;
    let stopped = false;
    let soon = 0;                        /* answers that are wanted quickly */
    let took = 0;

    async function run() {
        clearTimeout(timer);

        if (stopped) {
            return;
        }

        if (controller) {
            again = true;
            return;
        }

        const start = performance.now();

        controller = new AbortController();

        try {
            const data = await load(controller.signal);

            if (!stopped) {
                failures = 0;
                tell({ data, at: Date.now() });
            }

        } catch (error) {
            if (!stopped) {
                failures++;
                tell({ error });
            }
        }

        controller = null;
        took = performance.now() - start;

        if (again) {
            again = false;
            run();
            return;
        }

        plan();
    }

    function plan() {
        clearTimeout(timer);

        if (stopped || document.hidden) {
            return;
        }

        if (soon > 0 && failures === 0) {
            soon--;
            timer = setTimeout(run, Math.max(SOON, took));

        } else if (live.get()) {
            timer = setTimeout(run, Math.min(SLOWEST,
                               Math.max(EVERY * 2 ** failures, took * SHARE)));
        }
    }

    function wake() {
        if (document.hidden || !live.get()) {
            soon = 0;
            clearTimeout(timer);

        } else if (!controller) {
            run();
        }
    }

    document.addEventListener('visibilitychange', wake);
    const unwatch = live.watch(wake);

    run();

    return {
        /* somebody has acted, and waits to see what comes of it */
        refresh() {
            soon = SOON_TIMES;
            run();
        },

        stop() {
            stopped = true;
            again = false;
            clearTimeout(timer);
            controller?.abort();
            document.removeEventListener('visibilitychange', wake);
            unwatch();
        },
    };
}


/*
 * What the API says at an address, kept fresh: { data, at, error, refresh }.
 * After a failure data stays what it was, with the error beside it.  Without an
 * address nothing is asked.
 */
export function usePoll(path) {
    const [state, setState] = useState({ path: null });
    const poller = useRef(null);

    useEffect(() => {
        if (!path) {
            return;
        }

        poller.current = poll((signal) => get(path, signal), (news) => {
            if (news.error) {
                setState({ path, ...seen.get(path), error: news.error });

            } else {
                remember(path, news);
                setState({ path, ...news });
            }
        });

        return () => poller.current.stop();
    }, [path]);

    /* the address has changed, and its effect has not run yet */
    const current = state.path === path ? state : seen.get(path);

    return { ...current, refresh: () => poller.current?.refresh() };
}


function remember(path, news) {
    seen.delete(path);
    seen.set(path, news);

    if (seen.size > KEPT) {
        seen.delete(seen.keys().next().value);
    }
}
