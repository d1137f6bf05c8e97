/*
 * Is all well?  One sentence on top, and below it what it was drawn from.
 */

import { useEffect, useRef, useState } from 'preact/hooks';

import { Chart } from '../parts/chart.jsx';
import { EndpointBadge } from '../parts/badge.jsx';
import { EndpointLink } from '../parts/links.jsx';
import { Icon } from '../parts/icons.jsx';
import { Received } from '../parts/received.jsx';
import { Empty, Loaded, Loading } from '../parts/states.jsx';
import { Stats } from '../parts/stats.jsx';
import { Table } from '../parts/table.jsx';
import { Windows, windowOf } from '../parts/windows.jsx';
import { age, duration, number, rate } from '../format.js';
import { usePoll } from '../poll.js';
import { to } from '../router.js';
import { useTitle } from '../title.js';
import { judge, lostAt, untouched } from '../verdict.js';
import { waiting } from '../words.js';

/* while nothing answers, whatever was known; the banner above says why */
const UNKNOWN = {
    level: 'warn',
    text: 'Whether all is well is not known',
    meaning: 'unknown',
    findings: [],
};

const PAUSED = {
    manual: 'by hand',
    gone: 'target is gone',
    failing: 'failed too long',
    'not configured': 'not configured',
};


export function Overview({ query, status }) {
    const window = windowOf(query);
    const endpoints = usePoll('api/endpoints');
    const stats = usePoll(`api/stats?window=${window}`);
    const rows = endpoints.data?.data;
    const lost = useLost(status, rows);

    if (status.data && !status.error && rows && untouched(status.data, rows)) {
        return <Start status={status.data} endpoints={rows} />;
    }

    return (
        <>
            <Verdict status={status} endpoints={endpoints} lost={lost} />

            <section aria-labelledby="activity">
                <div class="section-head">
                    <h2 id="activity">Attempts</h2>
                    <Windows window={window} />
                </div>
                <Loaded poll={stats}>
                    {(data) => (
                        <div class="panel">
                            <Stats {...data} />
                            <Chart key={window} {...data} />
                        </div>
                    )}
                </Loaded>
            </section>

            <section aria-labelledby="endpoints">
                <h2 id="endpoints">Endpoints</h2>
                <Loaded poll={endpoints}>
                    {({ data }) => (
                        <Endpoints endpoints={data} stats={stats.data}
                                   window={window} />
                    )}
                </Loaded>
            </section>

            <section aria-labelledby="received">
                <h2 id="received">Received from Jam</h2>
                {status.data
                    ? <Received locations={status.data.received} />
                    : !status.error && <Loading />}
            </section>
        </>
    );
}


/* What was known stays while another hour's address is asked. */
function useLost(status, rows) {
    const lost = usePoll(status.data ? lostAt(rows) : null);
    const last = useRef(null);

    last.current = lost.data ?? last.current;

    return { data: last.current, error: lost.error };
}


function Verdict({ status, endpoints, lost }) {
    const rows = endpoints.data?.data;
    const known = status.data && (rows || endpoints.error)
        && (lost.data || lost.error || !lostAt(rows));
    const verdict = known && (status.error
        ? UNKNOWN
        : judge(status.data, rows, lost.data));
    const error = status.error ?? endpoints.error;

    useTitle(verdict?.text ?? 'Overview');

    return (
        <>
            {verdict ? <Sentence {...verdict} /> : (
                <section class="verdict">
                    <h1 tabIndex={-1} class="quiet">
                        {error ? 'Nothing is known yet' : 'Looking…'}
                    </h1>
                </section>
            )}
            <Spoken {...verdict} />
        </>
    );
}


/*
 * Reads the headline out when it has come to mean something else.  Not the
 * heading itself: its figures change all the time.
 */
function Spoken({ meaning, text }) {
    const last = useRef(meaning);
    const [words, setWords] = useState('');

    useEffect(() => {
        if (meaning !== undefined && meaning !== last.current) {
            last.current = meaning;
            setWords(`${text}.`);
        }
    }, [meaning]);

    return <p class="unseen" role="status">{words}</p>;
}


function Sentence({ level, text, findings }) {
    const explained = findings.filter(({ advice }) => advice);

    return (
        <section class={`verdict verdict-${level}`}>
            <h1 tabIndex={-1}><Icon name={level} /> {text}.</h1>
            {level === 'good' && findings.length === 0 && (
                <p>Every event that came in was delivered, or is under way.</p>
            )}
            {explained.length > 0 && (
                <ul class="findings">
                    {explained.map((finding) => (
                        <Finding key={finding.about} {...finding}
                                 headline={text} />
                    ))}
                </ul>
            )}
        </section>
    );
}


/* One urgent thing alone is the headline itself, and not said twice. */
function Finding({ level, text, advice, href, headline }) {
    return (
        <li>
            <Icon name={level} />
            <div>
                {text !== headline && <><strong>{text}.</strong>{' '}</>}
                {advice}
                {href && ' '}
                {href && <a href={href} aria-label={`Look: ${text}`}>Look</a>}
            </div>
        </li>
    );
}


function Endpoints({ endpoints, stats, window }) {
    if (endpoints.length === 0) {
        return (
            <div class="panel">
                <Empty title="No endpoint yet">
                    <p>
                        A location with jamhook_endpoint in nginx.conf becomes
                        one.
                    </p>
                </Empty>
            </div>
        );
    }

    const of = (name) => stats?.endpoints.find((s) => s.name === name);

    const columns = [
        { title: 'Endpoint', cell: ({ name }) => <EndpointLink name={name} /> },
        { title: 'State', cell: (e) => (
            <>
                <EndpointBadge endpoint={e} />
                {e.reason && <span class="ago"> {PAUSED[e.reason]}</span>}
            </>
        ) },
        { title: `Success, ${window}`, kind: 'num', cell: ({ name }) => {
            const s = of(name);

            return s ? rate(s.succeeded, s.failed) : '–';
        } },
        { title: 'p95', kind: 'num',
          cell: ({ name }) => duration(of(name)?.latency.p95) },
        { title: 'Pending', kind: 'num', cell: (e) => (
            <Amount n={e.stats.pending} state={waiting(e)} name={e.name}>
                {e.oldest_pending_at && (
                    <span class="ago"> oldest {age(e.oldest_pending_at)}</span>
                )}
            </Amount>
        ) },
        { title: 'Failed', kind: 'num', cell: (e) => (
            <Amount n={e.stats.failed} state="failed" name={e.name} />
        ) },
    ];

    return (
        <div class="panel flush">
            <Table caption="Endpoints, how they stand" columns={columns}
                   rows={endpoints} rowKey={({ name }) => name} />
        </div>
    );
}


function Amount({ n, state, name, children }) {
    if (n === 0) {
        return '0';
    }

    return (
        <>
            <a href={to('events', { endpoint: name, state })}
               aria-label={`${number(n)} ${state}: show them`}>
                {number(n)}
            </a>
            {children}
        </>
    );
}


function Start({ status, endpoints }) {
    const name = endpoints[0]?.name;

    useTitle('Ready for the first event');

    return (
        <>
            <section class="verdict verdict-good">
                <h1 tabIndex={-1}>
                    <Icon name="good" /> Ready for the first event.
                </h1>
                <p>
                    nginx runs, the store is open, and nothing has come in yet.
                </p>
            </section>
            <section class="panel prose" aria-labelledby="start">
                <h2 id="start">What to do next</h2>
                <ol>
                    <li>
                        <strong>Send a test.</strong> It goes to an endpoint
                        once and leaves no trace in the figures.{' '}
                        {name
                            ? <a href={to('endpoints', name)}>Open {name}</a>
                            : 'First give nginx.conf a location with'
                              + ' jamhook_endpoint.'}
                    </li>
                    <li>
                        <strong>Point Jam at this nginx.</strong> In Jam’s
                        settings for webhooks, add an endpoint whose URL is the
                        public address of{' '}
                        {status.received.map(({ source }, i) => (
                            <span key={source}>
                                {i > 0 && ' or '}
                                <code>https://your-host{source}</code>
                            </span>
                        ))}
                        , and put the signing secret that Jam shows into the key
                        file of its jamhook_verify.
                    </li>
                    <li>
                        <strong>Watch it arrive.</strong> This page changes by
                        itself with the first event.
                    </li>
                </ol>
            </section>
            <section aria-labelledby="received">
                <h2 id="received">Received from Jam</h2>
                <Received locations={status.received} />
            </section>
        </>
    );
}
