/*
 * The delivery log: each attempt, newest first.
 */

import { Filters, endpointField, pick } from '../parts/filters.jsx';
import { attemptColumns, attemptKey } from '../parts/attempts.jsx';
import { List } from '../parts/list.jsx';
import { Empty } from '../parts/states.jsx';
import { useList } from '../list.js';
import { useTitle } from '../title.js';

const RESULTS = ['succeeded', 'failed', 'interrupted'];


function fieldsFor(status) {
    return [
        endpointField(status),
        { name: 'result', label: 'Result', kind: 'choice',
          options: [['', 'Any'], ...RESULTS.map((name) => [name, name])] },
        { name: 'since', label: 'Since', kind: 'time' },
        { name: 'until', label: 'Until', kind: 'time' },
    ];
}


export function Attempts({ query, status }) {
    const fields = fieldsFor(status);
    const filter = pick(query, fields);
    const filtered = Object.values(filter).some(Boolean);
    const list = useList('api/attempts', filter, attemptKey,
                         (attempt) => attempt.started_at);

    useTitle('Delivery log');

    return (
        <>
            <h1 tabIndex={-1}>Delivery log</h1>
            <Filters fields={fields} query={query} />
            <List list={list} columns={attemptColumns} rowKey={attemptKey}
                  caption="Attempts, newest first" noun="attempt"
                  empty={<NoAttempts filtered={filtered} />} />
        </>
    );
}


function NoAttempts({ filtered }) {
    return (
        <div class="panel">
            <Empty title={filtered ? 'No attempt is like that'
                                   : 'Nothing has been delivered yet'}>
                <p>
                    {filtered
                        ? 'Take a filter away.'
                        : 'Each attempt to deliver an event shows here.'}
                </p>
            </Empty>
        </div>
    );
}
