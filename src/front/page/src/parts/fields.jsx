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


export function Choice({ label, options, value, ...select }) {
    const id = useId();

    return (
        <div class="field">
            <label for={id}>{label}</label>
            <select id={id} value={value} {...select}>
                {options.map(([option, text]) => (
                    <option key={option} value={option}>{text}</option>
                ))}
            </select>
        </div>
    );
}


/* RFC 3339 outside, local time inside. */
export function TimeField({ value, change, ...field }) {
    return (
        <Field type="datetime-local" value={toInput(value)} {...field}
               onChange={change && ((event) =>
                   change(fromInput(event.currentTarget.value)))} />
    );
}
