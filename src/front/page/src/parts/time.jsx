/*
 * A time: local, with the exact one behind it, and how long ago it was.
 */

import { moment, relative } from '../format.js';


/* Date.parse() finds a time in much that is none, and guesses its zone. */
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ][\d:.]+([Zz]|[+-]\d\d:\d\d)$/;


/* show: "both", "relative" or "exact" */
export function Time({ at, show = 'both', none = '–' }) {
    if (!RFC3339.test(at) || Number.isNaN(Date.parse(at))) {
        return at ? String(at) : none;
    }

    return (
        <time dateTime={at} title={show === 'relative'
                                   ? `${moment(at)} (${at})` : at}>
            {show === 'relative' ? relative(at) : moment(at)}
            {show === 'both' && <span class="ago"> {relative(at)}</span>}
        </time>
    );
}
