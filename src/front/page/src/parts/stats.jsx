/*
 * Figures in a row: how many, how well, how fast.
 */

import { duration, number, rate } from '../format.js';


export function Stats({ totals, latency }) {
    const figures = [
        ['Succeeded', number(totals.succeeded)],
        ['Failed', number(totals.failed)],
        ['Success rate', rate(totals.succeeded, totals.failed)],
        ['Latency p50', duration(latency.p50)],
        ['p95', duration(latency.p95)],
        ['p99', duration(latency.p99)],
    ];

    return (
        <dl class="stats">
            {figures.map(([name, value]) => (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}
