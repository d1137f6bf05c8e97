/*
 * Filters of a list.  They live in the address alone, so that a filtered list
 * can be sent to a colleague.
 */

import { useEffect, useState } from 'preact/hooks';

import { setQuery } from '../router.js';
import { Choice, Field, TimeField } from './fields.jsx';


/*
 * fields: [{ name, label, kind: "choice" | "text" | "time", ... }], the rest
 * being the control's own.
 */
export function Filters({ fields, query }) {
    const set = (name, value) => setQuery({ ...query, [name]: value.trim() });
    const any = fields.some(({ name }) => query[name]);

    return (
        <form class="filters" role="search" aria-label="Filters"
              onSubmit={(event) => event.preventDefault()}>
            {fields.map(({ name, kind, ...field }) => {
                const value = query[name] ?? '';
                const change = (next) => set(name, next);

                const Control = CONTROLS[kind];

                return <Control key={name} value={value} change={change}
                                {...field} />;
            })}
            {any && (
                <button type="button" class="link" onClick={() => setQuery({})}>
                    Clear filters
                </button>
            )}
        </form>
    );
}


const CONTROLS = { choice: Chosen, text: Typed, time: TimeField };


function Chosen({ change, ...field }) {
    return <Choice onChange={(event) => change(event.currentTarget.value)}
                   {...field} />;
}


/* What is being typed is kept here: a refresh must not take it back. */
function Typed({ value, change, ...field }) {
    const [draft, setDraft] = useState(value);

    useEffect(() => setDraft(value), [value]);

    return <Field value={draft}
                  onInput={(event) => setDraft(event.currentTarget.value)}
                  onChange={(event) => change(event.currentTarget.value)}
                  {...field} />;
}


export function endpointField(status) {
    const names = status.data?.endpoints.map(({ name }) => name) ?? [];

    return {
        name: 'endpoint', label: 'Endpoint', kind: 'choice',
        options: [['', 'Any'], ...names.map((name) => [name, name])],
    };
}


/* The names of those that are set, in the API's order. */
export function pick(query, fields) {
    return Object.fromEntries(fields.map(({ name }) => [name, query[name]]));
}
