/*
 * The portal's API as functions.  All addresses are relative to the page, so
 * the portal works below any prefix.
 */

const PATIENCE = 20000;                  /* ms for a reading call */


/* What went wrong, in words for people; status 0: no answer at all. */
export class Problem extends Error {
    constructor(status, title, detail = '', code = '') {
        super(title);
        this.status = status;
        this.detail = detail;
        this.code = code;
    }
}


export function get(path, signal) {
    return call('GET', path, { signal, patience: PATIENCE });
}


/* No patience here: a test takes as long as its endpoint's jamhook_timeout. */
export function post(path, body) {
    return call('POST', path, { body });
}


export function remove(path) {
    return call('DELETE', path, {});
}


/* 'api/events', { state: 'failed', type: '' } to 'api/events?state=failed' */
export function address(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) =>
        value !== undefined && value !== null && value !== '');

    const text = new URLSearchParams(given).toString();

    return text ? `${path}?${text}` : path;
}


async function call(method, path, { body, signal, patience }) {
    const changing = method !== 'GET';
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = patience && setTimeout(abort, patience);
    const headers = { Accept: 'application/json' };

    if (changing) {
        headers['X-Jamhook-Request'] = '1';
    }

    if (body) {
        headers['Content-Type'] = 'application/json';
    }

    signal?.addEventListener('abort', abort, { once: true });

    try {
        const response = await fetch(path, {
            method,
            headers,
            body: body && JSON.stringify(body),
            credentials: 'same-origin',
            cache: 'no-store',
            signal: controller.signal,
        });

        const text = await response.text();

        if (!response.ok) {
            throw refused(response.status, parse(text), changing);
        }

        const data = parse(text);

        if (data === null) {
            throw new Problem(response.status, 'The answer is not JSON',
                'Something between this page and jamhook answered instead of'
                + ' it: a sign-in page, perhaps. Load the page anew.');
        }

        return data;

    } catch (error) {
        if (error instanceof Problem) {
            throw error;
        }

        throw new Problem(0, 'No answer from nginx',
            'It may be stopped, or the network between is down.');

    } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
    }
}


function parse(text) {
    try {
        const data = JSON.parse(text);

        return typeof data === 'object' ? data : null;

    } catch {
        return null;
    }
}


/* Access rules are nginx's, which answers with a page of its own. */
function refused(status, problem, changing) {
    if (problem?.code) {
        const { title, detail = '', code, parameter } = problem;

        return new Problem(status, String(title ?? code),
                           parameter ? `${parameter}: ${detail}` : `${detail}`,
                           code);
    }

    if (status === 401) {
        return new Problem(status, 'You are not signed in',
            'Load the page anew to sign in.');
    }

    if (status === 403 && changing) {
        return new Problem(status, 'You may look here, but not act',
            'nginx refused the call (403). Ask whoever runs this nginx for'
            + ' the right to act.');
    }

    if (status === 403) {
        return new Problem(status, 'You may not look here',
            'nginx refused the call (403): its access rules do not let this'
            + ' address or account in.');
    }

    return new Problem(status, `nginx answered ${status}`,
        'The answer did not come from jamhook itself.');
}
