/*
 * The shapes.  Each state has one of its own, so that colour is never all
 * there is; they are always beside a word.
 */

const SHAPES = {
    good: <path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.3-4.2 4.6a.8.8 0 0 1-1.2 0L4.4 9a.8.8 0 1 1 1.2-1.1l1.2 1.3 3.6-4a.8.8 0 0 1 1.2 1.1Z" />,
    bad: <path d="M5.2 1.3h5.6l3.9 3.9v5.6l-3.9 3.9H5.2l-3.9-3.9V5.2Zm.9 3.7L5 6.1 6.9 8 5 9.9 6.1 11 8 9.1 9.9 11 11 9.9 9.1 8 11 6.1 9.9 5 8 6.9Z" />,
    warn: <path d="M8.9 1.6a1 1 0 0 0-1.8 0L.9 13.1A1 1 0 0 0 1.8 14.6h12.4a1 1 0 0 0 .9-1.5Zm-.15 3.9v4.5h-1.5V5.5Zm0 5.7v1.5h-1.5v-1.5Z" />,
    note: <path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-.8 3h1.6v1.6H7.2Zm0 3h1.6v5H7.2Z" />,
    wait: <path fill-rule="evenodd" d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.6a5.4 5.4 0 1 1 0 10.8A5.4 5.4 0 0 1 8 2.6Zm-.75 2h1.5v3.1l2.2 1.3-.75 1.3-2.95-1.75Z" />,
    send: <path d="M1.5 2.2 15 8 1.5 13.8 3.3 8.8 9 8 3.3 7.2Z" />,
    paused: <path d="M3.5 2.5h3v11h-3Zm6 0h3v11h-3Z" />,
    live: <circle cx="8" cy="8" r="5" />,
    out: <path fill="none" stroke="currentColor" stroke-width="1.6" d="M9.5 2.5h4v4M13.2 2.8 7.5 8.5M6.5 3.5h-4v10h10v-4" />,
};


export function Icon({ name }) {
    return (
        <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="14"
             height="14" fill="currentColor" aria-hidden="true"
             focusable="false">
            {SHAPES[name]}
        </svg>
    );
}
