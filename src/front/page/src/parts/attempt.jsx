/*
 * One attempt: what was sent, what came back, how long it took.
 */

import { useState } from 'preact/hooks';

import { advice, outcome, took, trigger } from '../words.js';
import { Badge } from './badge.jsx';
import { Headers, Text } from './payload.jsx';
import { Time } from './time.jsx';


/*
 * heading: of the level that fits where it stands.  What is in it is made when
 * it is opened: an event may have thousands of attempts.
 */
export function Attempt({ attempt, open, heading = 'h4' }) {
    const { request, response } = attempt;
    const means = advice(attempt);
    const [opened, setOpened] = useState(open);

    return (
        <details class="attempt" open={open}
                 onToggle={(event) => event.currentTarget.open
                                      && setOpened(true)}>
            <summary>
                <span class="attempt-number">
                    {attempt.trigger === 'test' ? 'Test' : `#${attempt.number}`}
                </span>
                <Badge state={attempt.result}>{outcome(attempt)}</Badge>
                <span>{took(attempt)}</span>
                {attempt.trigger !== 'test' && (
                    <span class="quiet">{trigger(attempt)}</span>
                )}
                <Time at={attempt.started_at} />
            </summary>
            {opened && (
                <div class="attempt-body">
                    {means && <p>{means}</p>}
                    <Message title="Request" heading={heading}
                             message={request} />
                    {response && (
                        <Message title={`Response ${response.status}`}
                                 heading={heading} message={response} />
                    )}
                </div>
            )}
        </details>
    );
}


function Message({ title, heading: Heading, message }) {
    const { headers, body, truncated } = message ?? {};

    return (
        <section class="message">
            <Heading>{title}</Heading>
            {!message && <p class="quiet">None was made, or it is not kept.</p>}
            {headers && <Headers headers={headers} />}
            {body && <Text text={body} label={`${title}, body`} />}
            {message && !body && (
                <p class="quiet">{headers ? 'No body.' : 'Not kept.'}</p>
            )}
            {truncated && <p class="quiet">Only its beginning is kept.</p>}
        </section>
    );
}
