/*
 * One endpoint: how it stands, why, and what can be done with it.
 */

import { address } from '../api.js';
import { age, number } from '../format.js';
import { EndpointBadge } from '../parts/badge.jsx';
import { Chart } from '../parts/chart.jsx';
import { EndpointActions } from '../parts/endpoint_actions.jsx';
import { Facts } from '../parts/facts.jsx';
import { Empty, Loaded } from '../parts/states.jsx';
import { Stats } from '../parts/stats.jsx';
import { Table } from '../parts/table.jsx';
import { Time } from '../parts/time.jsx';
import { attemptColumns, attemptKey } from '../parts/attempts.jsx';
import { Windows, windowOf } from '../parts/windows.jsx';
import { usePoll } from '../poll.js';
import { to } from '../router.js';
import { useTitle } from '../title.js';
import { outcome, pausedBecause, waiting } from '../words.js';

const LAST = 10;

const CONNECTORS = {
    none: 'none: the body as received',
    intercom_fin: 'intercom_fin: as Intercom’s Fin wants it',
};


export function EndpointView({ name, query, status }) {
    const window = windowOf(query);
    const endpoint = usePoll(`api/endpoints/${encodeURIComponent(name)}`);
    const stats = usePoll(`api/stats?window=${window}`);
    const attempts = usePoll(address('api/attempts',
                                     { endpoint: name, limit: LAST }));

    useTitle(name);

    const refresh = () => {
        endpoint.refresh();
        attempts.refresh();
    };

    return (
        <>
            <p class="crumb"><a href="#/">Overview</a></p>
            <h1 tabIndex={-1}>{name}</h1>
            {endpoint.error?.status === 404
                ? (
                    <div class="panel">
                        <Empty title="There is no endpoint of this name">
                            <p>
                                Neither does nginx.conf name it, nor does any
                                delivery wait for it.
                            </p>
                        </Empty>
                    </div>
                )
                : (
                    <Loaded poll={endpoint}>
                        {(data) => (
                            <Standing endpoint={data} refresh={refresh} />
                        )}
                    </Loaded>
                )}

            <section aria-labelledby="activity">
                <div class="section-head">
                    <h2 id="activity">Attempts</h2>
                    <Windows window={window} />
                </div>
                <Loaded poll={stats}>
                    {(data) => (
                        <Activity stats={data} name={name} window={window} />
                    )}
                </Loaded>
            </section>

            <section aria-labelledby="last">
                <div class="section-head">
                    <h2 id="last">Last attempts</h2>
                    <a href={to('attempts', { endpoint: name })}>All of them</a>
                </div>
                <Loaded poll={attempts}>
                    {({ data }) => <Last attempts={data} />}
                </Loaded>
            </section>
        </>
    );
}


function Standing({ endpoint, refresh }) {
    return (
        <div class="panel">
            <p class="standing">
                <EndpointBadge endpoint={endpoint} />
                <span><Why endpoint={endpoint} /></span>
            </p>
            <Facts facts={[
                ['Deliveries', <Amounts endpoint={endpoint} />],
                ['Oldest pending', endpoint.oldest_pending_at
                    && <Time at={endpoint.oldest_pending_at} />],
                ['Target', endpoint.url
                    ? <code>{endpoint.url}</code>
                    : endpoint.connector && 'Told by variables'],
                ['Connector', CONNECTORS[endpoint.connector]],
                ['Subscribed to', endpoint.events.length > 0 && (
                    <ul class="plain">
                        {endpoint.events.map((type) => (
                            <li key={type}><code>{type}</code></li>
                        ))}
                    </ul>
                )],
                ['Signed with', endpoint.connector && <Keys {...endpoint} />],
            ]} />
            {endpoint.connector && (
                <EndpointActions endpoint={endpoint} refresh={refresh} />
            )}
        </div>
    );
}


function Why({ endpoint }) {
    if (endpoint.state === 'paused') {
        return (
            <>
                {pausedBecause(endpoint.reason)}
                {endpoint.paused_at && (
                    <>
                        {' '}Since{' '}
                        <Time at={endpoint.paused_at} show="exact" />.
                    </>
                )}
            </>
        );
    }

    if (endpoint.failing_since) {
        return (
            <>
                Every attempt failed for {age(endpoint.failing_since)},
                since{' '}<Time at={endpoint.failing_since} show="exact" />
                {endpoint.last_attempt
                    && `; the last one: ${outcome(endpoint.last_attempt)}`}.
                {' '}Nothing is lost: each is tried again by jamhook_retry.
            </>
        );
    }

    return endpoint.last_attempt
        ? <>Last attempt: {outcome(endpoint.last_attempt)},{' '}
            <Time at={endpoint.last_attempt.started_at} show="relative" />.</>
        : 'Nothing was sent to it yet.';
}


function Amounts({ endpoint }) {
    const { name, stats } = endpoint;

    const amounts = {
        succeeded: stats.succeeded,
        failed: stats.failed,
        [waiting(endpoint)]: stats.pending,
        sending: stats.sending,
    };

    return (
        <ul class="counts">
            {Object.entries(amounts).map(([state, n]) => (
                <li key={state}>
                    <a href={to('events', { endpoint: name, state })}>
                        {number(n)} {state}
                    </a>
                </li>
            ))}
        </ul>
    );
}


function Keys({ signed, keys }) {
    if (!signed) {
        return 'Not signed: jamhook_sign off';
    }

    return (
        <ul class="plain">
            {keys.map(({ kind, fingerprint, file }) => (
                <li key={fingerprint}>
                    <code>{kind} {fingerprint}</code>
                    <span class="id">{file}</span>
                </li>
            ))}
        </ul>
    );
}


function Activity({ stats, name, window }) {
    const own = stats.endpoints.find((endpoint) => endpoint.name === name);

    if (!own) {
        return (
            <div class="panel"><Empty title="No attempt in this window" /></div>
        );
    }

    return (
        <div class="panel">
            <Stats totals={own} latency={own.latency} />
            <Chart key={window} buckets={own.buckets} width={stats.width}
                   window={window} />
        </div>
    );
}


function Last({ attempts }) {
    if (attempts.length === 0) {
        return (
            <div class="panel"><Empty title="Nothing was sent to it yet" /></div>
        );
    }

    return (
        <div class="panel flush">
            <Table caption="Last attempts" rows={attempts} rowKey={attemptKey}
                   columns={attemptColumns.filter(({ title }) =>
                       title !== 'Endpoint')} />
        </div>
    );
}
