/*
 * A value that components watch: the smallest store that does.
 */

import { useEffect, useState } from 'preact/hooks';


export function makeStore(value) {
    const watchers = new Set();

    return {
        get: () => value,

        set(next) {
            value = next;
            watchers.forEach((watcher) => watcher(value));
        },

        watch(watcher) {
            watchers.add(watcher);
            return () => watchers.delete(watcher);
        },
    };
}


export function useStore(store) {
    const [value, set] = useState(store.get());

    /* it may have changed between the first drawing and this effect */
    useEffect(() => {
        set(store.get());
        return store.watch(set);
    }, [store]);

    return value;
}
