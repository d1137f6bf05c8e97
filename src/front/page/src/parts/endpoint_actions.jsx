/*
 * What can be done with an endpoint: send a test, recover, pause, resume.
 */

import { useState } from 'preact/hooks';

import { useOnce } from '../act.js';
import { post } from '../api.js';
import { count, fromInput } from '../format.js';
import { tell, tellProblem } from '../notice.js';
import { TYPES, replayed } from '../words.js';
import { Attempt } from './attempt.jsx';
import { Dialog } from './dialog.jsx';
import { Field, TimeField } from './fields.jsx';


export function EndpointActions({ endpoint, refresh }) {
    const [asking, setAsking] = useState(null);
    const path = `api/endpoints/${encodeURIComponent(endpoint.name)}`;
    const paused = endpoint.state === 'paused';
    const Question = QUESTIONS[asking];

    const resume = useOnce(async () => {
        try {
            const { released } = await post(`${path}/resume`);

            tell(`${endpoint.name} goes on`, released > 0
                ? `${count(released, 'delivery', 'deliveries')} released.`
                : 'What waits for it goes on by schedule.');

        } catch (problem) {
            tellProblem(problem);
        }

        refresh();
    });

    return (
        <div class="actions">
            {paused && (
                <button type="button" class="primary" onClick={() => resume()}>
                    Resume
                </button>
            )}
            <button type="button" onClick={() => setAsking('test')}>
                Send a test…
            </button>
            <button type="button" onClick={() => setAsking('recover')}>
                Recover…
            </button>
            {!paused && (
                <button type="button" onClick={() => setAsking('pause')}>
                    Pause…
                </button>
            )}
            {Question && (
                <Question endpoint={endpoint} path={path} refresh={refresh}
                          close={() => setAsking(null)} />
            )}
        </div>
    );
}


const QUESTIONS = { test: Test, recover: Recover, pause: Pause };


function Pause({ endpoint, path, refresh, close }) {
    async function act() {
        await post(`${path}/pause`);
        tell(`${endpoint.name} is paused`, 'Its deliveries wait.');
        refresh();
    }

    return (
        <Dialog title={`Pause ${endpoint.name}?`} label="Pause" act={act}
                close={close}>
            <p>
                Nothing more is sent to it until somebody resumes it. Events
                are still taken in, and their deliveries wait.
            </p>
        </Dialog>
    );
}


function Recover({ endpoint, path, refresh, close }) {
    async function act({ since, until }) {
        const answer = await post(`${path}/recover`, given({
            since: fromInput(since),
            until: fromInput(until),
        }));

        tell(replayed(answer.replayed), `To ${endpoint.name}.`);
        refresh();
    }

    return (
        <Dialog title={`Recover ${endpoint.name}`} label="Send again" act={act}
                close={close}>
            <p>
                All that failed is sent again, and what waits for its next try
                is tried now. What succeeded is left alone.
            </p>
            <div class="fields">
                <TimeField label="Events since" name="since"
                           hint="Empty: from the beginning" />
                <TimeField label="Events until" name="until"
                           hint="Empty: until now" />
            </div>
        </Dialog>
    );
}


function Test({ endpoint, path, refresh, close }) {
    const types = endpoint.events.filter((type) => !type.includes('*'));
    const fin = endpoint.connector === 'intercom_fin';

    async function act({ type, conversation_id }) {
        const attempt = await post(`${path}/test`, given({
            type: type.trim(),
            conversation_id: conversation_id.trim(),
        }));

        refresh();
        return attempt;
    }

    return (
        <Dialog title={`Send a test to ${endpoint.name}`} label="Send" act={act}
                close={close}
                result={(attempt) => (
                    <Attempt attempt={attempt} heading="h3" open />
                )}>
            <p>
                A sample event, once, to this endpoint alone. It is not kept,
                not tried again, and not counted.
            </p>
            <div class="fields">
                <Field label="Type" name="type"
                       list={types.length ? types : TYPES}
                       hint={`Empty: ${types[0] ?? TYPES[0]}`} />
                <Field label="Conversation" name="conversation_id"
                       required={fin}
                       hint={fin
                           ? 'One of yours, else Intercom will not know it'
                           : 'Empty: 0'} />
            </div>
        </Dialog>
    );
}


/* Without the members that are empty. */
function given(fields) {
    return Object.fromEntries(Object.entries(fields).filter(([, v]) => v));
}
