/*
 * The frame around all views: header, banner of the store, the view that the
 * address asks for, and what came of the last action.
 */

import { useEffect, useRef } from 'preact/hooks';

import { setServerTime } from './format.js';
import { notice } from './notice.js';
import { StoreBanner } from './parts/banner.jsx';
import { Icon } from './parts/icons.jsx';
import { Notice } from './parts/notice.jsx';
import { live, usePoll } from './poll.js';
import { route, to } from './router.js';
import { useStore } from './store.js';
import { Attempts } from './views/attempts.jsx';
import { EndpointView } from './views/endpoint.jsx';
import { EventView } from './views/event.jsx';
import { Events } from './views/events.jsx';
import { Nowhere } from './views/nowhere.jsx';
import { Overview } from './views/overview.jsx';


/* The view, and under which item of the menu it stands. */
function find([room, name, ...rest]) {
    if (rest.length === 0) {
        switch (room) {

        case undefined:
            return [Overview, 'overview'];

        case 'events':
            return name ? [EventView, 'events'] : [Events, 'events'];

        case 'attempts':
            return name ? [Nowhere] : [Attempts, 'attempts'];

        case 'endpoints':
            return name ? [EndpointView, 'overview'] : [Nowhere];
        }
    }

    return [Nowhere];
}


export function App() {
    const { path, query } = useStore(route);
    const status = usePoll('api/status');
    const main = useRef(null);
    const here = path.join('/');
    const [View, item] = find(path);

    if (status.data) {
        setServerTime(status.data.now, status.at);
    }

    useFocus(main, here);

    const skip = (event) => {
        event.preventDefault();        /* the "#" is the router's */
        main.current.focus();
    };

    return (
        <>
            <a class="skip" href="#main" onClick={skip}>Skip to content</a>
            <header class="top">
                <div class="bar">
                    <a class="brand" href="#/">
                        <img src="icon.svg" alt="" width="22" height="22" />
                        jamhook
                    </a>
                    <nav aria-label="Portal">
                        <NavLink href="#/" on={item === 'overview'}>
                            Overview
                        </NavLink>
                        <NavLink href={to('events')} on={item === 'events'}>
                            Events
                        </NavLink>
                        <NavLink href={to('attempts')} on={item === 'attempts'}>
                            Delivery log
                        </NavLink>
                    </nav>
                    <LiveSwitch />
                </div>
            </header>
            <StoreBanner status={status} />
            <main id="main" ref={main} tabIndex={-1}>
                <View key={here} name={path[1]} query={query} status={status} />
            </main>
            <Notice />
            <footer class="foot">
                jamhook{status.data && ` ${status.data.version}, worker`
                                       + ` ${status.data.worker_pid}`}
                {' · '}
                <a href="api/openapi.json">API</a>
            </footer>
        </>
    );
}


function NavLink({ href, on, children }) {
    return <a href={href} aria-current={on ? 'page' : undefined}>{children}</a>;
}


function LiveSwitch() {
    const on = useStore(live);

    return (
        <button type="button" class="live" role="switch" aria-checked={on}
                title={on ? 'Refreshes every 5 seconds' : 'Does not refresh'}
                onClick={() => live.set(!on)}>
            <Icon name={on ? 'live' : 'paused'} />
            Live
        </button>
    );
}


/* A new view begins at its heading, for eyes and for screen readers. */
function useFocus(main, here) {
    const last = useRef(here);

    useEffect(() => {
        if (last.current !== here) {
            last.current = here;
            notice.set(null);
            scrollTo(0, 0);
            (main.current.querySelector('h1') ?? main.current)
                .focus({ preventScroll: true });
        }
    }, [here]);
}
