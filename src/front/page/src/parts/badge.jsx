/*
 * The state of a delivery, an attempt or an endpoint: a shape and a word.
 */

import { Icon } from './icons.jsx';

const STATES = {
    active: ['good', 'good', 'Active'],
    failing: ['bad', 'bad', 'Failing'],
    succeeded: ['good', 'good', 'Succeeded'],
    failed: ['bad', 'bad', 'Failed'],
    interrupted: ['warn', 'warn', 'Interrupted'],
    pending: ['wait', 'quiet', 'Pending'],
    sending: ['send', 'quiet', 'Sending'],
    paused: ['paused', 'warn', 'Paused'],
    forgotten: ['note', 'quiet', 'Forgotten'],
};


export function Badge({ state, children }) {
    const [icon, tone, word] = STATES[state] ?? ['note', 'quiet', state];

    return (
        <span class={`badge tone-${tone}`}>
            <Icon name={icon} />
            {children ?? word}
        </span>
    );
}


export function EndpointBadge({ endpoint }) {
    if (endpoint.state === 'paused') {
        return <Badge state="paused" />;
    }

    return <Badge state={endpoint.failing_since ? 'failing' : 'active'} />;
}
