/*
 * A list that is read page by page with a cursor, and whose beginning is kept
 * fresh.
 */

import { useEffect, useRef, useState } from 'preact/hooks';

import { address, get } from './api.js';
import { poll } from './poll.js';

const LIMIT = 50;
const GROWTH = 500;                      /* rows that come in by themselves */


/*
 * { rows (null: none read yet), found (how many so far), next, when, error,
 * busy, more, refresh }; key() gives a row's identity, time() what the list is
 * sorted by, newest first.
 */
export function useList(path, query, key, time) {
    const at = address(path, { ...query, limit: LIMIT });
    const [list, setList] = useState({ at, rows: null });
    const reader = useRef(null);

    useEffect(() => {
        const controller = new AbortController();
        let state = { at, rows: null, next: null, busy: false };
        let edition = 0;
        let asked = 0;                   /* rows that somebody wanted to see */

        const set = (change) => {
            if (!controller.signal.aborted) {
                state = { ...state, ...change };
                setList(state);
            }
        };

        /* a list that is left open over the day must not grow all day */
        const merge = (page) => {
            const anew = (asked === 0 && page.data.length >= LIMIT)
                || state.rows?.length > asked + GROWTH;
            const merged = mergePage(anew ? { rows: null } : state, page, key,
                                     time);

            asked = anew ? 0 : asked;
            edition += merged.replaced ? 1 : 0;
            return { rows: merged.rows, next: merged.next };
        };

        /* the first time a full page, later just what one call gives */
        const load = (signal) => state.rows
            ? get(at, signal)
            : gather(at, null, signal, (found) => set({ found }));

        const poller = poll(load, ({ data, at: when, error }) => set(
            error ? { error } : { ...merge(data), when, error: null }));

        async function more() {
            if (state.busy || !state.next) {
                return;
            }

            asked = state.rows.length + LIMIT;
            set({ busy: true });

            const started = edition;

            try {
                const page = await gather(at, state.next, controller.signal);

                if (started === edition) {
                    const known = new Set(state.rows.map(key));
                    const news = page.data.filter((row) =>
                        !known.has(key(row)));

                    set({ rows: [...state.rows, ...news], next: page.next,
                          error: null });
                    asked = state.rows.length;
                }

            } catch (error) {
                set({ error });
            }

            set({ busy: false });
        }

        setList(state);
        reader.current = { more, refresh: poller.refresh };

        return () => {
            controller.abort();
            poller.stop();
        };
    }, [at]);

    const current = list.at === at ? list : { rows: null };

    return {
        ...current,
        more: () => reader.current?.more(),
        refresh: () => reader.current?.refresh(),
    };
}


/*
 * A page may be short, even empty, while there is more: a call looks at a
 * bounded part of the store only.  So goes on until there is a page to show.
 */
async function gather(at, cursor, signal, progress) {
    const data = [];
    let next = cursor;

    do {
        const page = await get(
            next ? `${at}&cursor=${encodeURIComponent(next)}` : at, signal);

        data.push(...page.data);
        next = page.next;
        progress?.(data.length);

    } while (next && data.length < LIMIT);

    return { data, next };
}


/*
 * Puts a fresh first page over what is known.  It speaks for all down to its
 * own last row; what is older stays.  Where nothing of it is known there may
 * be a gap behind it, and the list begins anew.
 */
export function mergePage(list, page, key, time) {
    const { rows, next } = list;

    if (!rows || !page.next) {
        return { rows: page.data, next: page.next, replaced: true };
    }

    if (page.data.length === 0) {
        return { rows, next };
    }

    const known = new Set(rows.map(key));

    if (rows.length && !page.data.some((row) => known.has(key(row)))) {
        return { rows: page.data, next: page.next, replaced: true };
    }

    const fresh = new Set(page.data.map(key));
    const last = time(page.data[page.data.length - 1]);
    const older = rows.filter((row) =>
        !fresh.has(key(row)) && time(row) <= last);

    return { rows: [...page.data, ...older], next };
}
