/*
 * Is all well?  The overview's first sentence, from what the API says.  A
 * finding is { level, text, advice, href }, level "bad" (somebody should act),
 * "warn" (look at it) or "note" (good to know, all is well in spite of it).
 */

import { age, count, now, relative, sentence } from './format.js';
import { to } from './router.js';
import { outcome, pausedBecause } from './words.js';

const MINUTE = 60000;
const BLIP = 5 * MINUTE;                 /* what may mend itself */
const OLD = 15 * MINUTE;                 /* a pending delivery's age */
const RECENT = 60 * MINUTE;              /* a refusal's age */


/*
 * { level, text, findings }, the most important finding first.  endpoints is
 * undefined where nobody could tell how they stand: then all is not well.
 */
export function judge(status, endpoints) {
    const findings = [
        ...judgeStore(status.store),
        ...endpoints?.flatMap(judgeEndpoint) ?? unknown(status.store),
        ...status.received.flatMap(judgeReceived),
        ...endpoints?.flatMap(judgeFailed) ?? [],
    ].sort((a, b) => rank(a) - rank(b));

    const urgent = findings.filter(({ level }) => level !== 'note');

    return {
        level: urgent[0]?.level ?? 'good',
        text: headline(urgent),
        findings,
    };
}


/* Nothing came in and nothing went out: somebody is just setting it up. */
export function untouched(status, endpoints) {
    const none = (counts) => Object.values(counts).every((n) => n === 0);

    return endpoints.every(({ stats, last_attempt }) =>
               none(stats) && !last_attempt)
        && status.received.every(({ last_at }) => last_at === null);
}


function headline(urgent) {
    if (urgent.length === 0) {
        return 'All is well';
    }

    return urgent.length === 1 || urgent[0].first
        ? urgent[0].text
        : `${urgent.length} things need a look`;
}


function rank({ level }) {
    return ['bad', 'warn', 'note'].indexOf(level);
}


function since(time) {
    return now() - Date.parse(time);
}


function judgeStore(store) {
    if (store.state === 'trouble') {
        return [{
            level: 'bad',
            first: true,                 /* it explains the others */
            text: 'The store is in trouble: new events are refused',
            advice: null,                /* the banner has it */
        }];
    }

    if (store.state === 'opening') {
        return [{
            level: 'warn',
            text: 'The store is being opened',
            advice: 'New events are refused until it is; Jam sends them again.',
        }];
    }

    return [];
}


/* where the store is in trouble, that explains it */
function unknown(store) {
    return store.state !== 'well' ? [] : [{
        level: 'warn',
        text: 'How the endpoints stand is not known',
        advice: 'The call that asks for it fails; see below.',
    }];
}


function judgeEndpoint(endpoint) {
    const href = to('endpoints', endpoint.name);
    const waiting = endpoint.stats.pending;
    const wait = waiting
        ? ` ${count(waiting, 'delivery waits', 'deliveries wait')}.` : '';

    if (endpoint.state === 'paused') {
        return [{
            level: endpoint.reason === 'manual' ? 'warn' : 'bad',
            text: endpoint.reason === 'not configured'
                ? `Endpoint ${endpoint.name} is not configured`
                : `Endpoint ${endpoint.name} is paused`,
            advice: pausedBecause(endpoint.reason) + wait,
            href,
        }];
    }

    if (endpoint.failing_since) {
        const last = endpoint.last_attempt;

        return [{
            level: since(endpoint.failing_since) > BLIP ? 'bad' : 'warn',
            text: `Endpoint ${endpoint.name} is failing`,
            advice: 'Every attempt failed for '
                + `${age(endpoint.failing_since)}.`
                + (last ? ` The last one: ${outcome(last)}.` : '') + wait
                + ' Nothing is lost: each is tried again by jamhook_retry.',
            href,
        }];
    }

    if (endpoint.oldest_pending_at
        && since(endpoint.oldest_pending_at) > OLD)
    {
        return [{
            level: 'warn',
            text: `A delivery to ${endpoint.name} has waited for`
                + ` ${age(endpoint.oldest_pending_at)}`,
            advice: 'Either its attempts fail and it waits for the next one, or'
                + ' more comes in than goes out.' + wait,
            href: to('events', { endpoint: endpoint.name, state: 'pending' }),
        }];
    }

    return [];
}


function judgeReceived(received) {
    const last = received.last_refused;

    if (!last || since(last.at) > RECENT) {
        return [];
    }

    /*
     * Strangers knock at any open address, and a store that was in trouble is
     * well again: what was refused before one that was accepted is no alarm.
     */
    const only = received.last_at === null
        || Date.parse(last.at) >= Date.parse(received.last_at);

    return [{
        level: only ? 'bad' : 'note',
        text: only
            ? `The last request to ${received.source} was refused`
            : `A request to ${received.source} was refused`,
        advice: `${last.code}, ${relative(last.at)}. ${sentence(last.detail)}`,
    }];
}


function judgeFailed({ name, stats }) {
    if (!stats.failed) {
        return [];
    }

    return [{
        level: 'note',
        text: `${count(stats.failed, 'delivery', 'deliveries')} to ${name}`
            + ' failed for good',
        advice: 'They are kept, and can be sent again.',
        href: to('events', { endpoint: name, state: 'failed' }),
    }];
}
