import { conversationUrl, webUrl } from '../links.js';
import { to } from '../router.js';
import { Icon } from './icons.jsx';

const SHORT = 9;


/* Out of the portal, where href is one that may be followed; else text. */
export function OutLink({ href, children }) {
    if (!href) {
        return children;
    }

    return (
        <a href={href} target="_blank" rel="noreferrer noopener">
            {children}
            <Icon name="out" />
            <span class="unseen"> (opens in a new tab)</span>
        </a>
    );
}


export function Conversation({ id, status }) {
    const prefix = status.data?.conversation_url;

    return id
        ? <OutLink href={conversationUrl(prefix, id)}>{id}</OutLink>
        : '–';
}


/* short: as much of the Jam's id as tells it from another, for lists. */
export function Recording({ event, short }) {
    const { jam_id: id, recording_url: url } = event;
    const text = id ?? (url && 'Recording');

    if (!text) {
        return '–';
    }

    return (
        <OutLink href={webUrl(url)}>
            {short && text.length > SHORT
                ? <span title={text}>{text.slice(0, SHORT - 1)}…</span>
                : text}
        </OutLink>
    );
}


export function EndpointLink({ name }) {
    return <a href={to('endpoints', name)}>{name}</a>;
}
