/*
 * The ingest locations: when Jam last reached each, what came of it, and what
 * to do where something was refused.
 */

import { number, sentence } from '../format.js';
import { Icon } from './icons.jsx';
import { Empty } from './states.jsx';
import { Time } from './time.jsx';


export function Received({ locations }) {
    if (locations.length === 0) {
        return (
            <div class="panel">
                <Empty title="No location takes events in">
                    <p>
                        A location with jamhook_pass in nginx.conf does; its
                        address is what Jam is given.
                    </p>
                </Empty>
            </div>
        );
    }

    return (
        <div class="received">
            {locations.map((location) => (
                <Location key={location.source} {...location} />
            ))}
        </div>
    );
}


function Location({ source, result, code, last_at, last_refused }) {
    return (
        <article class="panel">
            <h3><code>{source}</code></h3>
            <dl class="facts">
                <div>
                    <dt>Last request</dt>
                    <dd>
                        <Time at={last_at} none="None since nginx started" />
                    </dd>
                </div>
                <div>
                    <dt>Accepted</dt>
                    <dd><Counts counts={result} /></dd>
                </div>
                <div>
                    <dt>Refused</dt>
                    <dd><Counts counts={code} /></dd>
                </div>
            </dl>
            {last_refused && (
                <p class="refused">
                    <Icon name="warn" />
                    <span>
                        <strong><code>{last_refused.code}</code></strong>{' '}
                        <Time at={last_refused.at} show="relative" />.{' '}
                        {sentence(last_refused.detail)}
                    </span>
                </p>
            )}
        </article>
    );
}


function Counts({ counts }) {
    const some = Object.entries(counts).filter(([, n]) => n > 0);

    if (some.length === 0) {
        return 'None';
    }

    return (
        <ul class="counts">
            {some.map(([name, n]) => (
                <li key={name}>{number(n)} {name.replaceAll('_', ' ')}</li>
            ))}
        </ul>
    );
}
