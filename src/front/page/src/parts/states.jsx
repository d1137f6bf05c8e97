/*
 * What stands where data would: loading, failed, nothing there; and what
 * stands above data that is no longer fresh.
 */

import { moment } from '../format.js';
import { Icon } from './icons.jsx';


/* Comes late (see the style), so that what loads at once does not flash. */
export function Loading({ children = 'Loading…' }) {
    return <p class="loading" role="status">{children}</p>;
}


export function Failed({ error, retry }) {
    /* the banner says what is wrong with the store, once for all parts */
    if (error.code === 'unavailable') {
        return (
            <div class="panel">
                <Empty title="Not known while the store is in trouble">
                    <p>It shows here by itself when the store answers.</p>
                </Empty>
            </div>
        );
    }

    return (
        <div class="panel hint" role="alert">
            <p class="hint-title tone-bad">
                <Icon name="bad" /> {error.message}
            </p>
            {error.detail && <p>{error.detail}</p>}
            <button type="button" onClick={retry}>Try again</button>
        </div>
    );
}


export function Stale({ error, at, retry }) {
    return (
        <p class="stale" role="status">
            <Icon name="warn" />
            <span>
                Not current: this is what was known at {moment(at)}.{' '}
                {error.message}.
            </span>
            <button type="button" class="link" onClick={retry}>
                Try again
            </button>
        </p>
    );
}


export function Empty({ title, children }) {
    return (
        <div class="hint empty">
            <p class="hint-title">{title}</p>
            {children}
        </div>
    );
}


/*
 * The usual order of it: children get the data, whenever there is any.
 */
export function Loaded({ poll, children }) {
    const { data, at, error, refresh } = poll;

    if (!data) {
        return error ? <Failed error={error} retry={refresh} /> : <Loading />;
    }

    return (
        <>
            {error && <Stale error={error} at={at} retry={refresh} />}
            {children(data)}
        </>
    );
}
