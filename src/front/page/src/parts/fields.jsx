/*
 * Labelled controls.
 */

import { useId } from 'preact/hooks';

import { fromInput, toInput } from '../format.js';


export function Field({ label, hint, list, ...input }) {
    const id = useId();

    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input id={id} autocomplete="off" spellcheck={false}
                   aria-describedby={hint && `${id}-hint`}
                   list={list && `${id}-list`} {...input} />
            {hint && <p id={`${id}-hint`} class="quiet">{hint}</p>}
            {list && (
                <datalist id={`${id}-list`}>
                    {list.map((value) => <option key={value} value={value} />)}
                </datalist>
            )}
        </div>
    );
}


/* What the address asks for is shown, be it among the options or not. */
export function Choice({ label, options, value, ...select }) {
    const id = useId();
    const all = options.some(([option]) => option === value)
        ? options : [...options, [value, value]];

    return (
        <div class="field">
            <label for={id}>{label}</label>
            <select id={id} value={value} {...select}>
                {all.map(([option, text]) => (
                    <option key={option} value={option}>{text}</option>
                ))}
            </select>
        </div>
    );
}


/*
 * RFC 3339 outside, local time inside.  Without a value the browser keeps it,
 * and a refresh does not take it back.  A year has four digits: without the
 * bound the browser lets people type six.
 */
export function TimeField({ value, change, ...field }) {
    return (
        <Field type="datetime-local" max="9999-12-31T23:59" {...field}
               value={value === undefined ? undefined : toInput(value)}
               onChange={change && ((event) =>
                   change(fromInput(event.currentTarget.value)))} />
    );
}
