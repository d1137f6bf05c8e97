/*
 * What the API's words mean, and what to do about them.
 */

import { count, duration } from './format.js';

export const EVENT_STATES = ['pending', 'sending', 'succeeded', 'failed',
                             'paused'];

export const TYPES = ['intercom.recorder.recorded',
                      'intercom.recorder.opted_out'];

export const WINDOWS = {
    '1h': 'hour',
    '24h': '24 hours',
    '7d': '7 days',
    '30d': '30 days',
};

const ERRORS = {
    connect: ['No connection',
        'Nothing listens at the target’s address, or a firewall or TLS stands'
        + ' between. nginx’s error log says which.'],
    resolve: ['Name not found',
        'The target’s host name has no address for nginx: see the URL’s'
        + ' spelling and “resolver” in nginx.conf.'],
    timeout: ['No answer in time',
        'The target took longer than jamhook_timeout.'],
    invalid: ['Not an HTTP answer',
        'What came back was broken off or no HTTP: is the port right?'],
    misconfigured: ['Misconfigured',
        'nginx.conf cannot reach the target as it stands; the error log says'
        + ' what to mend.'],
    'answered by nginx': ['Answered by nginx itself',
        'A rule in the endpoint’s location answered before the target was'
        + ' asked: see its return, rewrite, error_page.'],
};

const TRIGGERS = {
    scheduled: 'by schedule',
    manual: 'by hand',
    test: 'test',
};


/* What came of an attempt, in a few words: "Answered 200". */
export function outcome(attempt) {
    if (attempt.response) {
        return `Answered ${attempt.response.status}`;
    }

    if (attempt.result === 'interrupted') {
        return 'Interrupted';
    }

    const words = ERRORS[attempt.error]?.[0] ?? attempt.error ?? 'No answer';

    return attempt.status ? `${words} (${attempt.status})` : words;
}


/* What an attempt's outcome means, where it has no answer to look at. */
export function advice(attempt) {
    if (attempt.result === 'interrupted') {
        return 'nginx’s worker was stopped while the target was asked. It may'
            + ' have got the event; it is tried again at once.';
    }

    return ERRORS[attempt.error]?.[1] ?? null;
}


export function trigger(attempt) {
    return TRIGGERS[attempt.trigger] ?? attempt.trigger;
}


export function took(attempt) {
    return duration(attempt.duration);
}


/* The state of what waits for an endpoint: how a list finds it. */
export function waiting(endpoint) {
    return endpoint.state === 'paused' ? 'paused' : 'pending';
}


/* Why an endpoint or a delivery is paused, and what ends it. */
export function pausedBecause(reason) {
    switch (reason) {

    case 'manual':
        return 'Paused by hand. Its deliveries wait until it is resumed.';

    case 'gone':
        return 'Its target answered 410 Gone: never send again. Put the target'
            + ' right, then resume it.';

    case 'failing':
        return 'Every attempt failed for as long as jamhook_disable_after says.'
            + ' Its last attempts say why. One delivery an hour is still tried;'
            + ' the first that succeeds resumes it, and so can you.';

    case 'not configured':
        return 'This nginx has no endpoint of that name, and deliveries wait'
            + ' for it. They go on when the name is back in nginx.conf, and'
            + ' end with jamhook_retention.';

    default:
        return 'Its deliveries wait until it is resumed.';
    }
}


export function replayed(n) {
    return n === 0
        ? 'There was nothing to send again.'
        : `${count(n, 'delivery', 'deliveries')} will be sent again now.`;
}
