// relay.njs: Jam's events to Fin with nginx's njs. One subrequest for the
// delivery, as njs has nothing else that keeps connections to upstreams; the
// headers go there in variables. See njs.conf.

const crypto = require('crypto');
const fs = require('fs');

const TOLERANCE = 300;
const RECORDED = 'intercom.recorder.recorded';
const OPTED_OUT = 'intercom.recorder.opted_out';
const NAMESPACE_URL = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

const TITLES = {
    400: 'Bad Request', 401: 'Unauthorized', 405: 'Method Not Allowed',
    415: 'Unsupported Media Type', 422: 'Unprocessable Content',
    502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

const VERIFY = readKey('P1');
const SIGN = readKey('S1');


function readKey(name) {
    const file = ngx.conf_prefix + 'keys/' + name + '.key';
    const text = fs.readFileSync(file).toString();

    return Buffer.from(text.match(/whsec_(\S+)/)[1], 'base64');
}


function equal(a, b) {
    let odd = 0;

    for (let i = 0; i < 32; i++) {
        odd |= a[i] ^ b[i];
    }

    return odd === 0;
}


function verified(head, list, body) {
    const tokens = list.split(' ');
    let expected;

    for (let i = 0; i < tokens.length; i++) {
        const token = tokens[i];

        if (token.length !== 47 || !token.startsWith('v1,')) {
            continue;
        }

        const given = Buffer.from(token.slice(3), 'base64');

        if (given.length !== 32) {
            continue;
        }

        if (expected === undefined) {
            expected = crypto.createHmac('sha256', VERIFY).update(head)
                             .update(body).digest();
        }

        if (equal(expected, given)) {
            return true;
        }
    }

    return false;
}


function uuid5(name) {
    const digest = crypto.createHash('sha1').update(NAMESPACE_URL)
                         .update(name).digest();

    digest[6] = digest[6] & 0x0f | 0x50;
    digest[8] = digest[8] & 0x3f | 0x80;

    const hex = digest.toString('hex');

    return hex.slice(0, 8) + '-' + hex.slice(8, 12) + '-' + hex.slice(12, 16)
           + '-' + hex.slice(16, 20) + '-' + hex.slice(20, 32);
}


function refuse(r, status, code) {
    if (status === 401) {
        r.headersOut['WWW-Authenticate'] = 'Standard-Webhooks';

    } else if (status === 405) {
        r.headersOut['Allow'] = 'POST';
    }

    r.headersOut['Content-Type'] = 'application/problem+json';
    r.return(status, '{"title":"' + TITLES[status] + '","status":' + status
                     + ',"code":"' + code + '"}');
}


function succeed(r, result, id, type) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, '{"result":"' + result + '","id":"' + id + '","type":'
                  + JSON.stringify(type) + '}');
}


function text(value) {
    return typeof value === 'string' && value !== '';
}


function absent(value) {
    return value === undefined || value === null;
}


function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}


function plain(value) {
    return text(value) && value.length <= 256 && !/[\x00-\x1f\x7f]/.test(value);
}


function url(value) {
    return text(value) && value.length <= 2048
           && /^https?:\/\/[^\/?#\s\x00-\x1f\x7f]\S*$/i.test(value);
}


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


// js_content: verifies, maps, signs, delivers, and tells what came of it
function take(r) {
    if (r.method !== 'POST') {
        refuse(r, 405, 'method_not_allowed');
        return;
    }

    const headers = r.headersIn;

    if (!/^application\/json\s*(;|$)/i.test(headers['Content-Type'] || '')) {
        refuse(r, 415, 'media_type_unsupported');
        return;
    }

    let id = headers['svix-id'];
    let timestamp = headers['svix-timestamp'];
    let list = headers['svix-signature'];

    if (!id || !timestamp || !list) {
        id = headers['webhook-id'];
        timestamp = headers['webhook-timestamp'];
        list = headers['webhook-signature'];
    }

    if (!id || !timestamp || !list || !/^[A-Za-z0-9_-]{1,256}$/.test(id)) {
        refuse(r, 401, 'signature_missing');
        return;
    }

    const now = Math.floor(Date.now() / 1000);

    if (!/^[1-9][0-9]{0,14}$/.test(timestamp)
        || Math.abs(now - timestamp) > TOLERANCE)
    {
        refuse(r, 401, 'timestamp_invalid');
        return;
    }

    // an empty one has a buffer that nothing may be done with
    const body = r.requestText ? r.requestBuffer : '';

    if (!verified(id + '.' + timestamp + '.', list, body)) {
        refuse(r, 401, 'signature_invalid');
        return;
    }

    let event;

    try {
        event = JSON.parse(r.requestText);

    } catch (e) {
        event = null;
    }

    if (!isObject(event)) {
        refuse(r, 400, 'body_invalid');
        return;
    }

    let data = event;
    let type;

    if (isObject(event.data)) {
        data = event.data;
        type = event.type;
    }

    if (absent(type)) {
        type = shape(data);

    } else if (!text(type)) {
        refuse(r, 422, 'event_invalid');
        return;
    }

    if (type !== RECORDED && type !== OPTED_OUT) {
        succeed(r, 'ignored', id, type);
        return;
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
        refuse(r, 422, 'event_invalid');
        return;
    }

    const payload = { conversationId: conversation };

    if (!absent(data.jamId)) {
        payload.jamId = data.jamId;
    }

    if (!absent(recording)) {
        payload.recording_url = recording;
    }

    const out = JSON.stringify({ event: type, payload: payload });
    const v = r.variables;

    v.jam_id = id;
    v.jam_timestamp = String(now);
    v.jam_signature = 'v1,' + crypto.createHmac('sha256', SIGN)
                                    .update(id + '.' + now + '.').update(out)
                                    .digest('base64');
    v.jam_key = uuid5('jamhook:' + id + '/fin');

    r.subrequest('/fin/' + conversation, { method: 'POST', body: out }, sr => {
        if (sr.status >= 200 && sr.status < 300) {
            succeed(r, 'delivered', id, type);

        } else if (sr.status === 429 || sr.status === 503) {
            if (sr.headersOut['Retry-After']) {
                r.headersOut['Retry-After'] = sr.headersOut['Retry-After'];
            }

            refuse(r, 503, 'unavailable');

        } else {
            refuse(r, sr.status === 504 ? 504 : 502, 'delivery_failed');
        }
    });
}


export default { take };
