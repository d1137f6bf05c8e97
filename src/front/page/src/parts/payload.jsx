/*
 * Bodies and headers: always as text, whatever they hold.
 */

import { useMemo, useState } from 'preact/hooks';

import { number } from '../format.js';
import { indent, upright } from '../json.js';
import { tell } from '../notice.js';

const SHOWN = 100000;                    /* characters, more when asked for */


export function Headers({ headers }) {
    const all = Object.entries(headers);

    if (all.length === 0) {
        return <p class="quiet">No headers.</p>;
    }

    return (
        <dl class="headers">
            {all.map(([name, value]) => (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{upright(String(value))}</dd>
                </div>
            ))}
        </dl>
    );
}


export function Text({ text, label = 'Body' }) {
    const pretty = useMemo(() => indent(text), [text]);
    const [raw, setRaw] = useState(false);
    const [whole, setWhole] = useState(false);
    const chosen = pretty === null || raw ? text : pretty;
    const cut = chosen.length > SHOWN && !whole;
    const part = cut ? chosen.slice(0, SHOWN) : chosen;
    const shown = raw ? part : upright(part);

    async function copy() {
        try {
            await navigator.clipboard.writeText(chosen);
            tell(`${label} copied`);

        } catch {
            tell('Not copied', 'The browser does not allow it.', 'bad');
        }
    }

    return (
        <div class="text">
            <div class="text-bar">
                {pretty !== null && (
                    <div class="segments" role="group"
                         aria-label={`${label} as`}>
                        <button type="button" aria-pressed={!raw}
                                onClick={() => setRaw(false)}>
                            Pretty
                        </button>
                        <button type="button" aria-pressed={raw}
                                onClick={() => setRaw(true)}>
                            Raw
                        </button>
                    </div>
                )}
                {/* there in secure contexts only */}
                {navigator.clipboard && (
                    <button type="button" class="link" onClick={copy}>
                        Copy
                    </button>
                )}
            </div>
            <pre tabIndex={0} role="group" aria-label={label}
                 class={chosen === text ? 'wrap' : ''}>
                {shown}
            </pre>
            {cut && (
                <p class="more">
                    The first {number(SHOWN)} of {number(chosen.length)}{' '}
                    characters
                    <button type="button" onClick={() => setWhole(true)}>
                        Show all
                    </button>
                </p>
            )}
        </div>
    );
}
