/*
 * Links out of the portal.  What an event holds is from outside: only http and
 * https become links, so that no "javascript:" does.
 */


/* The URL as a link may use it, or null. */
export function webUrl(text) {
    try {
        const url = new URL(text);

        return url.protocol === 'http:' || url.protocol === 'https:'
            ? url.href : null;

    } catch {
        return null;
    }
}


export function conversationUrl(prefix, id) {
    return prefix && id ? webUrl(prefix + encodeURIComponent(id)) : null;
}
