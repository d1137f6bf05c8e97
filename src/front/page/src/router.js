/*
 * Where we are: "#/events/msg_1?state=failed" is { path: ['events', 'msg_1'],
 * query: { state: 'failed' } }.  Behind the "#", so that each view has an
 * address and the server one page.
 */

import { address } from './api.js';
import { makeStore } from './store.js';


export const route = makeStore(read());

addEventListener('hashchange', () => route.set(read()));


/* The address of a view: to('events', id), to('events', { state }). */
export function to(...parts) {
    const query = typeof parts.at(-1) === 'object' ? parts.pop() : {};

    return address('#/' + parts.map(encodeURIComponent).join('/'), query);
}


/* The same view with another query; not a step back for the Back button. */
export function setQuery(query) {
    const here = to(...route.get().path, query);

    history.replaceState(null, '', here);
    route.set(read());
}


function read() {
    const [path, query = ''] = location.hash.replace(/^#\/?/, '')
                                            .split(/\?(.*)/s);

    return {
        path: path.split('/').filter(Boolean).map(decode),
        query: Object.fromEntries(new URLSearchParams(query)),
    };
}


function decode(part) {
    try {
        return decodeURIComponent(part);

    } catch {
        return part;
    }
}
