/*
 * Is all well?  The overview's first sentence, from what the API says.  A
 * finding is { about, level, text, advice, href }: about stays while only its
 * figures change; level "bad" (somebody should act), "warn" (look at it) or
 * "note" (good to know, all is well in spite of it).
 */

import { address } from './api.js';
import { age, count, now, number, relative, sentence } from './format.js';
import { to } from './router.js';
import { outcome, pausedBecause } from './words.js';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const BLIP = 5 * MINUTE;                 /* what may mend itself */
const OLD = 15 * MINUTE;                 /* a pending delivery's age */
const RECENT = HOUR;                     /* a refusal's age */
const LATELY = 48 * HOUR;                /* a lost event's age */


/*
 * { level, text, meaning, findings }, the most important finding first; meaning
 * changes when there is something new to say.  endpoints is undefined where
 * nobody could tell how they stand: then all is not well.  lost is a page of
 * events, those of lostAt().
 */
export function judge(status, endpoints, lost) {
    const findings = [
        ...judgeStore(status.store),
        ...endpoints?.flatMap(judgeEndpoint) ?? unknown(status.store),
        ...status.received.flatMap(judgeReceived),
        ...endpoints?.flatMap((endpoint) =>
            judgeFailed(endpoint, lost)) ?? [],
    ].sort((a, b) => rank(a) - rank(b));

    const urgent = findings.filter(({ level }) => level !== 'note');

    return {
        level: urgent[0]?.level ?? 'good',
        text: headline(urgent),
        meaning: urgent.map(({ about }) => about).join(),
        findings,
    };
}


/*
 * Where to ask for what was lost of late; null where nothing ever was.  The
 * address stays for an hour, so that it can be asked again and again; judge()
 * leaves out what has become too old meanwhile.
 */
export function lostAt(endpoints) {
    if (!endpoints?.some(({ stats }) => stats.failed > 0)) {
        return null;
    }

    return address('api/events', {
        state: 'failed',
        since: before(LATELY, HOUR),
        limit: 100,
    });
}


/* Nothing came in and nothing went out: somebody is just setting it up. */
export function untouched(status, endpoints) {
    const none = (counts) => Object.values(counts).every((n) => n === 0);

    return status.store.state === 'well'
        && endpoints.every(({ state, stats, last_attempt }) =>
               state === 'active' && none(stats) && !last_attempt)
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


/* the time that ms ago was, rounded down to whole units */
function before(ms, unit) {
    return new Date(Math.floor((now() - ms) / unit) * unit).toISOString();
}


function judgeStore(store) {
    if (store.state === 'trouble') {
        return [{
            about: 'trouble',
            level: 'bad',
            first: true,                 /* it explains the others */
            text: 'The store is in trouble: new events are refused',
            advice: null,                /* the banner has it */
        }];
    }

    if (store.state === 'opening') {
        return [{
            about: 'opening',
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
        about: 'unknown',
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
            about: `paused ${endpoint.reason} ${endpoint.name}`,
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
            about: `failing ${endpoint.name}`,
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
            about: `late ${endpoint.name}`,
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
        about: `refused ${received.source}`,
        level: only ? 'bad' : 'note',
        text: only
            ? `The last request to ${received.source} was refused`
            : `A request to ${received.source} was refused`,
        advice: `${last.code}, ${relative(last.at)}. ${sentence(last.detail)}`,
    }];
}


/*
 * A customer may be waiting for what was lost of late.  What is older, or was
 * forgotten, needs nobody any more.  Where it is not known, all may be new.
 */
function judgeFailed({ name, stats }, lost) {
    const all = stats.failed;
    const late = lost ? Math.min(lately(lost, name), all) : all;

    if (all === 0) {
        return [];
    }

    if (late === 0) {
        return [{
            about: `lost ${name}`,
            level: 'note',
            text: `${count(all, 'delivery', 'deliveries')} to ${name}`
                + ' failed for good',
            advice: 'Not in the last two days. What is kept can be sent again.',
            href: to('events', { endpoint: name, state: 'failed' }),
        }];
    }

    return [{
        about: `lost ${name}`,
        level: 'warn',
        text: (lost?.next ? 'At least ' : '')
            + `${count(late, 'delivery', 'deliveries')} to ${name}`
            + ' failed for good',
        advice: (lost ? 'In the last two days. ' : '')
            + (late === 1 ? 'It is kept: look at it, and replay it.'
                          : 'They are kept: look at them, and replay them.')
            + (late < all ? ` With older ones there are ${number(all)}.` : ''),
        href: to('events', { endpoint: name, state: 'failed',
                             since: lost && before(LATELY, MINUTE) }),
    }];
}


function lately(lost, name) {
    return lost.data.filter((event) =>
        !event.forgotten && since(event.received_at) < LATELY
        && event.deliveries.some(({ endpoint, state }) =>
            endpoint === name && state === 'failed')).length;
}
