/*
 * All events, newest first, with filters.
 */

import { count } from '../format.js';
import { Badge } from '../parts/badge.jsx';
import { Filters, endpointField, pick } from '../parts/filters.jsx';
import { Conversation, Recording } from '../parts/links.jsx';
import { List } from '../parts/list.jsx';
import { Empty } from '../parts/states.jsx';
import { Time } from '../parts/time.jsx';
import { useList } from '../list.js';
import { to } from '../router.js';
import { useTitle } from '../title.js';
import { EVENT_STATES, TYPES } from '../words.js';

const MANY = 8;                          /* deliveries, for a row */


function fieldsFor(status) {
    return [
        endpointField(status),
        { name: 'state', label: 'With a delivery', kind: 'choice',
          options: [['', 'In any state'],
                    ...EVENT_STATES.map((state) => [state, state])] },
        { name: 'type', label: 'Type', kind: 'text', list: TYPES },
        { name: 'conversation_id', label: 'Conversation', kind: 'text' },
        { name: 'jam_id', label: 'Jam', kind: 'text' },
        { name: 'since', label: 'Since', kind: 'time' },
        { name: 'until', label: 'Until', kind: 'time' },
    ];
}


export function Events({ query, status }) {
    const fields = fieldsFor(status);
    const filter = pick(query, fields);
    const filtered = Object.values(filter).some(Boolean);
    const list = useList('api/events', filter, ({ id }) => id,
                         (event) => event.received_at);

    useTitle('Events');

    const columns = [
        { title: 'Event', cell: (event) => (
            <>
                <a href={to('events', event.id)}>{event.type}</a>
                <span class="id">{event.id}</span>
            </>
        ) },
        { title: 'Received', cell: (event) => (
            <Time at={event.received_at} />
        ) },
        { title: 'Conversation', cell: (event) => event.forgotten
            ? <Badge state="forgotten" />
            : <Conversation id={event.conversation_id} status={status} /> },
        { title: 'Jam', cell: (event) => <Recording event={event} short /> },
        { title: 'Deliveries', kind: 'wide', cell: (event) => (
            <ul class="badges">
                {inShort(event.deliveries).map(([state, words]) => (
                    <li key={`${state} ${words}`}>
                        <Badge state={state} />
                        <span>{words}</span>
                    </li>
                ))}
            </ul>
        ) },
    ];

    return (
        <>
            <h1 tabIndex={-1}>Events</h1>
            <Filters fields={fields} query={query} />
            <List list={list} columns={columns} rowKey={({ id }) => id}
                  caption="Events, newest first" noun="event"
                  empty={<NoEvents filtered={filtered} status={status} />} />
        </>
    );
}


/* Each delivery's state and endpoint, or how many there are in each state. */
function inShort(deliveries) {
    if (deliveries.length <= MANY) {
        return deliveries.map(({ endpoint, state }) => [state, endpoint]);
    }

    return EVENT_STATES.map((wanted) => [wanted,
        deliveries.filter(({ state }) => state === wanted).length])
        .filter(([, n]) => n > 0)
        .map(([state, n]) => [state, count(n, 'endpoint')]);
}


function NoEvents({ filtered, status }) {
    const sources = status.data?.received.map(({ source }) => source) ?? [];

    return (
        <div class="panel">
            {filtered
                ? (
                    <Empty title="No event is like that">
                        <p>
                            Take a filter away. Events older than
                            jamhook_retention are gone.
                        </p>
                    </Empty>
                )
                : (
                    <Empty title="No event has come in yet">
                        <p>
                            Give Jam the public address of{' '}
                            {sources.join(' or ') || 'a jamhook_pass location'}.
                            What comes in shows here by itself.
                        </p>
                    </Empty>
                )}
        </div>
    );
}
