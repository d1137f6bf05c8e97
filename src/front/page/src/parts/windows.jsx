/*
 * The windows of time that statistics are told for: links, so that each has
 * its address.
 */

import { route, to } from '../router.js';
import { WINDOWS } from '../words.js';

export const WINDOW = '24h';


export function windowOf(query) {
    return Object.hasOwn(WINDOWS, query.window) ? query.window : WINDOW;
}


export function Windows({ window }) {
    const here = route.get().path;

    return (
        <nav class="segments" aria-label="Window of time">
            {Object.keys(WINDOWS).map((name) => (
                <a key={name} href={to(...here, { window: name })}
                   aria-current={name === window ? 'true' : undefined}>
                    <span class="unseen">Last </span>{name}
                </a>
            ))}
        </nav>
    );
}
