// relay.mjs PORT TARGET_PORT KEYS: Jam's events to Fin with Node, fastify and
// an undici pool. Prints "ready" once it listens.

import { createHash, createHmac, createSecretKey,
         timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import { Pool } from 'undici';

const [port, targetPort, keys] = process.argv.slice(2);

const TOLERANCE = 300;
const RECORDED = 'intercom.recorder.recorded';
const OPTED_OUT = 'intercom.recorder.opted_out';
const NAMESPACE_URL = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

const TITLES = {
    400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found',
    405: 'Method Not Allowed', 413: 'Content Too Large',
    415: 'Unsupported Media Type', 422: 'Unprocessable Content',
    502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

const verifying = readKey(`${keys}/P1.key`);
const signing = readKey(`${keys}/S1.key`);

const pool = new Pool(`http://127.0.0.1:${targetPort}`, {
    connections: 64,
    pipelining: 1,
    headersTimeout: 12000,
    bodyTimeout: 12000,
});


function readKey(file) {
    const [, secret] = readFileSync(file, 'utf8').match(/whsec_(\S+)/);

    return createSecretKey(Buffer.from(secret, 'base64'));
}


function verified(id, timestamp, list, body) {
    let expected;

    for (const token of list.split(' ')) {
        if (token.length !== 47 || !token.startsWith('v1,')) {
            continue;
        }

        const given = Buffer.from(token.slice(3), 'base64');

        if (given.length !== 32) {
            continue;
        }

        expected ??= createHmac('sha256', verifying)
            .update(`${id}.${timestamp}.`).update(body).digest();

        if (timingSafeEqual(expected, given)) {
            return true;
        }
    }

    return false;
}


function uuid5(name) {
    const digest = createHash('sha1').update(NAMESPACE_URL).update(name)
        .digest();

    digest[6] = digest[6] & 0x0f | 0x50;
    digest[8] = digest[8] & 0x3f | 0x80;

    const hex = digest.toString('hex');

    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-`
           + `${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}


function refuse(reply, status, code) {
    if (status === 401) {
        reply.header('www-authenticate', 'Standard-Webhooks');

    } else if (status === 405) {
        reply.header('allow', 'POST');
    }

    reply.code(status).type('application/problem+json')
        .send(`{"title":"${TITLES[status]}","status":${status},`
              + `"code":"${code}"}`);

    return reply;
}


function succeed(reply, result, id, type) {
    reply.type('application/json')
        .send(`{"result":"${result}","id":"${id}","type":`
              + `${JSON.stringify(type)}}`);

    return reply;
}


const text = value => typeof value === 'string' && value !== '';
const absent = value => value === undefined || value === null;
const isObject = value => typeof value === 'object' && value !== null
                          && !Array.isArray(value);
const plain = value => text(value) && value.length <= 256
                       && !/[\x00-\x1f\x7f]/.test(value);
const url = value => text(value) && value.length <= 2048
    && /^https?:\/\/[^/?#\s\x00-\x1f\x7f]\S*$/i.test(value);


function shape(event) {
    if (event.conversationId === undefined) {
        return 'unknown';
    }

    if (event.jamId !== undefined || event.jamUrl !== undefined) {
        return RECORDED;
    }

    return Object.keys(event).some(name => /^jam/i.test(name)) ? 'unknown'
                                                               : OPTED_OUT;
}


async function take(request, reply) {
    const headers = request.headers;
    let id = headers['svix-id'];
    let timestamp = headers['svix-timestamp'];
    let list = headers['svix-signature'];

    if (!id || !timestamp || !list) {
        id = headers['webhook-id'];
        timestamp = headers['webhook-timestamp'];
        list = headers['webhook-signature'];
    }

    if (!id || !timestamp || !list || !/^[A-Za-z0-9_-]{1,256}$/.test(id)) {
        return refuse(reply, 401, 'signature_missing');
    }

    const now = Math.floor(Date.now() / 1000);

    if (!/^[1-9][0-9]{0,14}$/.test(timestamp)
        || Math.abs(now - timestamp) > TOLERANCE)
    {
        return refuse(reply, 401, 'timestamp_invalid');
    }

    const body = request.body;

    if (!verified(id, timestamp, list, body)) {
        return refuse(reply, 401, 'signature_invalid');
    }

    let event;

    try {
        event = JSON.parse(body.toString());

    } catch {
        event = null;
    }

    if (!isObject(event)) {
        return refuse(reply, 400, 'body_invalid');
    }

    const enveloped = isObject(event.data);
    const data = enveloped ? event.data : event;
    let type = enveloped ? event.type : undefined;

    if (absent(type)) {
        type = shape(data);

    } else if (!text(type)) {
        return refuse(reply, 422, 'event_invalid');
    }

    if (type !== RECORDED && type !== OPTED_OUT) {
        return succeed(reply, 'ignored', id, type);
    }

    let conversation = data.conversationId;

    if (Number.isInteger(conversation) && conversation >= 0
        && conversation < 1e15)
    {
        conversation = String(conversation);
    }

    const recording = data.recording_url !== undefined ? data.recording_url
                                                       : data.jamUrl;

    if (!text(conversation) || !/^[A-Za-z0-9_-]{1,128}$/.test(conversation)
        || !absent(data.jamId) && !plain(data.jamId)
        || !absent(recording) && !url(recording))
    {
        return refuse(reply, 422, 'event_invalid');
    }

    const payload = { conversationId: conversation };

    if (!absent(data.jamId)) {
        payload.jamId = data.jamId;
    }

    if (!absent(recording)) {
        payload.recording_url = recording;
    }

    const out = JSON.stringify({ event: type, payload });
    const signature = createHmac('sha256', signing).update(`${id}.${now}.`)
        .update(out).digest('base64');
    let answer;

    try {
        answer = await pool.request({
            method: 'POST',
            path: `/fin/${conversation}`,
            headers: {
                'content-type': 'application/json',
                'user-agent': 'relay/1.0',
                'webhook-id': id,
                'webhook-timestamp': String(now),
                'webhook-signature': `v1,${signature}`,
                'idempotency-key': uuid5(`jamhook:${id}/fin`),
            },
            body: out,
        });

        await answer.body.dump();

    } catch (e) {
        return refuse(reply, /Timeout/.test(e.name) ? 504 : 502,
                      'delivery_failed');
    }

    if (answer.statusCode >= 200 && answer.statusCode < 300) {
        return succeed(reply, 'delivered', id, type);
    }

    if (answer.statusCode === 429 || answer.statusCode === 503) {
        if (answer.headers['retry-after']) {
            reply.header('retry-after', answer.headers['retry-after']);
        }

        return refuse(reply, 503, 'unavailable');
    }

    return refuse(reply, 502, 'delivery_failed');
}


const app = fastify({ logger: false, bodyLimit: 1024 * 1024,
                      keepAliveTimeout: 600000 });

// the signature is over the bytes
app.removeAllContentTypeParsers();
app.addContentTypeParser('application/json', { parseAs: 'buffer' },
                         (request, body, done) => done(null, body));

app.setErrorHandler((error, request, reply) => {
    const status = error.statusCode;

    if (status === 415) {
        return refuse(reply, 415, 'media_type_unsupported');
    }

    return status === 413 ? refuse(reply, 413, 'body_too_large')
                          : refuse(reply, 400, 'body_invalid');
});

app.post('/jam', take);
app.route({ method: ['GET', 'PUT', 'PATCH', 'DELETE'], url: '/jam',
            handler: (request, reply) =>
                refuse(reply, 405, 'method_not_allowed') });

await app.listen({ host: '127.0.0.1', port: Number(port) });
console.log('ready');
