/*
 * Succeeded and failed over time: two panels with one axis of time, for a few
 * failures among thousands would be a line too thin to see.  For those who do
 * not see it: a sentence, and the figures as a table.
 */

import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { drawBars } from '../chart.js';
import { moment, number, period } from '../format.js';
import { WINDOWS } from '../words.js';


export function Chart({ buckets, width, window, of = 'Attempts' }) {
    const group = useId();
    const [at, setAt] = useState(null);
    const bucket = at === null ? null : buckets[at];
    const sum = (name) => buckets.reduce((n, b) => n + b[name], 0);
    const all = { succeeded: sum('succeeded'), failed: sum('failed') };
    const shown = bucket ?? all;
    const summary = `${of} in the last ${WINDOWS[window]}:`
        + ` ${number(all.succeeded)} succeeded, ${number(all.failed)} failed.`;

    return (
        <figure class="chart">
            <figcaption>
                <span class="key key-good">
                    {number(shown.succeeded)} succeeded
                </span>
                <span class="key key-bad">{number(shown.failed)} failed</span>
                <span class="quiet">
                    {bucket
                        ? period(bucket.at, width)
                        : `in the last ${WINDOWS[window]}`}
                </span>
            </figcaption>
            <div role="img" aria-label={summary}>
                <Panel buckets={buckets} name="succeeded" width={width}
                       group={group} tone="good" height={120} hover={setAt} />
                <Panel buckets={buckets} name="failed" width={width}
                       group={group} tone="bad" height={64} foot />
            </div>
            <details class="figures">
                <summary>The same as a table</summary>
                <div class="scroll" tabIndex={0} role="group"
                     aria-label={`${of} over time`}>
                    <table>
                        <caption class="unseen">{summary}</caption>
                        <thead>
                            <tr>
                                <th scope="col">From</th>
                                <th scope="col" class="num">Succeeded</th>
                                <th scope="col" class="num">Failed</th>
                            </tr>
                        </thead>
                        <tbody>
                            {buckets.filter((b) => b.succeeded || b.failed)
                                .reverse().map((b) => (
                                    <tr key={b.at}>
                                        <th scope="row">{moment(b.at)}</th>
                                        <td class="num">{number(b.succeeded)}</td>
                                        <td class="num">{number(b.failed)}</td>
                                    </tr>
                                ))}
                        </tbody>
                    </table>
                </div>
            </details>
        </figure>
    );
}


function Panel({ buckets, name, width, ...look }) {
    const element = useRef(null);
    const bars = useRef(null);
    const times = buckets.map((b) => Date.parse(b.at) / 1000);
    const values = buckets.map((b) => b[name] || null);    /* 0: no bar */

    /* another width of the buckets is another chart, other figures are not */
    useEffect(() => {
        bars.current = drawBars(element.current,
                                { times, values, width, ...look });

        return () => bars.current.end();
    }, [width]);

    useEffect(() => bars.current.set(times, values), [buckets]);

    return <div ref={element} class="plot" />;
}
