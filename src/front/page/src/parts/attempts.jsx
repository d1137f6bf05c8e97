/*
 * Attempts as rows of a table: the delivery log, and an endpoint's last ones.
 */

import { number } from '../format.js';
import { to } from '../router.js';
import { outcome, took, trigger } from '../words.js';
import { Badge } from './badge.jsx';
import { EndpointLink } from './links.jsx';
import { Time } from './time.jsx';


export function attemptKey(attempt) {
    return `${attempt.event} ${attempt.endpoint} ${attempt.number}`
        + ` ${attempt.started_at}`;
}


export const attemptColumns = [
    { title: 'Event', cell: (attempt) => (
        <>
            <a href={to('events', attempt.event)}>{attempt.type}</a>
            <span class="id">{attempt.event}</span>
        </>
    ) },
    { title: 'Started', cell: (attempt) => <Time at={attempt.started_at} /> },
    { title: 'Endpoint',
      cell: (attempt) => <EndpointLink name={attempt.endpoint} /> },
    { title: 'Outcome', cell: (attempt) => (
        <Badge state={attempt.result}>{outcome(attempt)}</Badge>
    ) },
    { title: 'Took', kind: 'num', cell: took },
    { title: 'Attempt', cell: (attempt) => (
        <>
            #{number(attempt.number)}{' '}
            <span class="ago">{trigger(attempt)}</span>
        </>
    ) },
];
