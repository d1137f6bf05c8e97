/*
 * Above every view: what concerns them all, while it lasts.
 */

import { sentences } from '../format.js';
import { Icon } from './icons.jsx';
import { Time } from './time.jsx';


export function StoreBanner({ status }) {
    const store = status.data?.store;

    if (status.error) {
        return (
            <div class="banner tone-bad" role="alert">
                <Icon name="bad" />
                <div>
                    <strong>{status.error.message}.</strong>{' '}
                    {status.error.detail} The page goes on trying.
                </div>
            </div>
        );
    }

    if (store?.state === 'trouble') {
        return (
            <div class="banner tone-bad" role="alert">
                <Icon name="bad" />
                <div>
                    <strong>
                        The store is in trouble since{' '}
                        <Time at={store.since} show="exact" />.
                    </strong>{' '}
                    {sentences(store.detail, store.advice)}{' '}
                    New events are refused with 503, and Jam sends them again
                    later. What you see below is what was last known.
                </div>
            </div>
        );
    }

    return null;
}
