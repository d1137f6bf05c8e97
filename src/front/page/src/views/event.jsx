/*
 * One event: what came in, and what became of it at each endpoint.
 */

import { useState } from 'preact/hooks';

import { useOnce } from '../act.js';
import { post, remove } from '../api.js';
import { bytes, count, number } from '../format.js';
import { tell, tellProblem } from '../notice.js';
import { Attempt } from '../parts/attempt.jsx';
import { Badge } from '../parts/badge.jsx';
import { Dialog } from '../parts/dialog.jsx';
import { Facts } from '../parts/facts.jsx';
import { Conversation, EndpointLink, Recording }
    from '../parts/links.jsx';
import { Headers, Text } from '../parts/payload.jsx';
import { Empty, Loaded } from '../parts/states.jsx';
import { Time } from '../parts/time.jsx';
import { usePoll } from '../poll.js';
import { to } from '../router.js';
import { useTitle } from '../title.js';
import { pausedBecause, replayed } from '../words.js';

const NEWEST = 20;                       /* attempts that show at first */
const MORE = 100;
const FEW = 10;                          /* deliveries that open unasked */


export function EventView({ name: id, status }) {
    const path = `api/events/${encodeURIComponent(id)}`;
    const event = usePoll(path);

    useTitle(event.data?.type ?? 'Event');

    return (
        <>
            <p class="crumb"><a href={to('events')}>Events</a></p>
            <h1 tabIndex={-1}>{event.data?.type ?? 'Event'}</h1>
            <p class="id">{id}</p>
            {event.error?.status === 404
                ? <Gone />
                : (
                    <Loaded poll={event}>
                        {(data) => (
                            <Page event={data} path={path} status={status}
                                  refresh={event.refresh} />
                        )}
                    </Loaded>
                )}
        </>
    );
}


function Gone() {
    return (
        <div class="panel">
            <Empty title="This event is not in the store">
                <p>
                    It is older than jamhook_retention, or the address is cut
                    off.
                </p>
            </Empty>
        </div>
    );
}


function Page({ event, path, status, refresh }) {
    const [asking, setAsking] = useState(false);
    const close = () => setAsking(false);

    const replay = useOnce(async (endpoint) => {
        try {
            const answer = await post(`${path}/replay`,
                                      endpoint ? { endpoint } : undefined);

            tell(replayed(answer.replayed), endpoint ? `To ${endpoint}.` : '');

        } catch (problem) {
            tellProblem(problem);
        }

        refresh();
    });

    async function forget() {
        await remove(path);
        tell('Forgotten', 'What the customer said and showed is gone.');
        refresh();
    }

    return (
        <>
            <div class="panel">
                <Facts facts={[
                    ['Received', <Time at={event.received_at} />],
                    ['Created', event.created_at
                        && <Time at={event.created_at} />],
                    ['Came in by', <code>{event.source}</code>],
                    ['Conversation', event.conversation_id
                        && <Conversation id={event.conversation_id}
                                         status={status} />],
                    ['Jam', (event.jam_id || event.recording_url)
                        && <Recording event={event} />],
                    ['Event id', event.event_id],
                    ['Verified with key', event.key
                        ? <code>{event.key}</code>
                        : !event.forgotten && 'None: jamhook_verify off'],
                    ['Size', !event.forgotten && bytes(event.size)],
                ]} />
                {event.forgotten
                    ? (
                        <p class="quiet standing">
                            <Badge state="forgotten" />
                            <span>
                                Its body, headers and ids were removed. Times
                                and outcomes stay until jamhook_retention.
                            </span>
                        </p>
                    )
                    : (
                        <div class="actions">
                            <button type="button" class="primary"
                                    onClick={() => replay()}>
                                Replay all
                            </button>
                            <button type="button" class="danger quiet-button"
                                    onClick={() => setAsking(true)}>
                                Forget…
                            </button>
                        </div>
                    )}
            </div>

            <section aria-labelledby="deliveries">
                <h2 id="deliveries">Deliveries</h2>
                {event.deliveries.length === 0 && (
                    <div class="panel">
                        <Empty title="It went to no endpoint" />
                    </div>
                )}
                {event.deliveries.map((delivery) => (
                    <Delivery key={delivery.endpoint} delivery={delivery}
                              few={event.deliveries.length <= FEW}
                              replay={event.forgotten ? null : replay} />
                ))}
            </section>

            {!event.forgotten && (
                <>
                    <section aria-labelledby="payload">
                        <h2 id="payload">Payload</h2>
                        <div class="panel">
                            <Text text={event.body} label="Payload" />
                        </div>
                    </section>
                    <section aria-labelledby="headers">
                        <h2 id="headers">Headers</h2>
                        <div class="panel">
                            <Headers headers={event.headers ?? {}} />
                        </div>
                    </section>
                </>
            )}

            {asking && (
                <Dialog title="Forget this event?" label="Forget it" danger
                        act={forget} close={close}>
                    <p>
                        Its body, headers, conversation, Jam and URL are
                        removed, and what its attempts held; pending deliveries
                        end. Times and outcomes stay. This cannot be undone.
                    </p>
                </Dialog>
            )}
        </>
    );
}


function Delivery({ delivery, few, replay }) {
    const { endpoint, state, reason, attempts } = delivery;

    /* what failed last is open, but nothing opens under a reader's eyes */
    const [last] = useState(attempts.at(-1));
    const shown = few && last?.result === 'failed' ? key(last) : null;
    const [newest, setNewest] = useState(NEWEST);
    const older = attempts.length - newest;

    return (
        <article class="panel delivery" aria-label={`Delivery to ${endpoint}`}>
            <div class="delivery-head">
                <h3><EndpointLink name={endpoint} /></h3>
                <Badge state={state} />
                <span class="quiet">
                    {count(delivery.attempt_count, 'attempt')}
                    {delivery.replays > 0
                        && `, ${count(delivery.replays, 'replay')}`}
                    , last change{' '}
                    <Time at={delivery.changed_at} show="relative" />
                </span>
                {replay && (
                    <button type="button" aria-label={`Replay to ${endpoint}`}
                            onClick={() => replay(endpoint)}>
                        Replay
                    </button>
                )}
            </div>
            {state === 'paused' && <p>{pausedBecause(reason)}</p>}
            {delivery.next_attempt_at && (
                <p>
                    Next try{' '}
                    <Time at={delivery.next_attempt_at} show="relative" /> (
                    <Time at={delivery.next_attempt_at} show="exact" />).
                </p>
            )}
            {attempts.length === 0
                ? <p class="quiet">No attempt yet.</p>
                : attempts.slice(-newest).reverse().map((attempt) => (
                    <Attempt key={key(attempt)} attempt={attempt}
                             open={key(attempt) === shown} />
                ))}
            {older > 0 && (
                <p class="more">
                    <button type="button"
                            onClick={() => setNewest(newest + MORE)}>
                        Show older ones ({number(older)})
                    </button>
                </p>
            )}
        </article>
    );
}


function key({ number: n, started_at }) {
    return `${n} ${started_at}`;
}
