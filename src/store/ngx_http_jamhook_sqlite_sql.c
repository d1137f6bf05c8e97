
#include "ngx_http_jamhook_sqlite.h"


/*
 * The statements, all in one place, so that a test can ask SQLite how it
 * carries out each of them: none may walk through a table that grows.
 *
 * In the order of ngx_http_jamhook_sql_e.  A "+" before a column keeps an
 * index from being used where another one is meant.  Numbers of states are
 * written out, for only so is a partial index found.  Nothing newer than
 * SQLite 3.24 is used.
 */

const char  *ngx_http_jamhook_sqlite_sql[] = {

    /* IMMEDIATE: who writes first waits here, nobody in the middle */
    "BEGIN IMMEDIATE",
    "BEGIN",
    "COMMIT",
    "PRAGMA page_count",
    "PRAGMA freelist_count",

    /* ENDPOINT_ADD */
    "INSERT INTO endpoints (name, seen_at) VALUES (?1, ?2)"
    " ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",

    /* ENDPOINT_FIND */
    "SELECT id FROM endpoints WHERE name = ?1",

    /* ENDPOINT_READ */
    "SELECT paused, paused_at, failing_since, probe_at, seen_at"
    " FROM endpoints WHERE id = ?1",

    /* ENDPOINT_SAVE */
    "UPDATE endpoints SET paused = ?2, paused_at = ?3, failing_since = ?4,"
    " probe_at = ?5 WHERE id = ?1",

    /* ENDPOINT_SEEN */
    "UPDATE endpoints SET seen_at = ?2 WHERE id = ?1",

    /* ENDPOINT_NAMES */
    "SELECT name FROM endpoints ORDER BY name",

    /* EVENT_LAST */
    "SELECT max((SELECT value FROM meta WHERE key = 'last_event'),"
    " ifnull((SELECT max(seq) FROM events), 0))",

    /* EVENT_NOTE_LAST */
    "UPDATE meta SET value = ?1 WHERE key = 'last_event'",

    /* EVENT_ADD */
    "INSERT INTO events (seq, received_at, id, source, event_id, type,"
    " created_at, conversation_id, jam_id, recording_url, key, headers, body)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    " ON CONFLICT (id) DO NOTHING",

    /* EVENT_COMPARE */
    "SELECT seq, forgotten, forgotten OR body IS ?2 FROM events WHERE id = ?1",

    /* EVENT_FIND */
    "SELECT seq, forgotten, source FROM events WHERE id = ?1",

    /* EVENT_FORGOTTEN */
    "SELECT forgotten FROM events WHERE seq = ?1",

    /* DELIVERY_ADD */
    "INSERT INTO deliveries (event, endpoint, state, class, next_at, attempts,"
    " trigger, lease_owner, lease_until, claimed_at, changed_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?5)"
    " ON CONFLICT DO NOTHING",

    /* DELIVERY_READ */
    "SELECT state, attempts, replay FROM deliveries"
    " WHERE event = ?1 AND endpoint = ?2",

    /* DELIVERY_RESTART: the parameters are those of DELIVERY_ADD */
    "UPDATE deliveries SET state = ?3, class = ?4, next_at = ?5,"
    " attempts = ?6, trigger = ?7, lease_owner = ?8, lease_until = ?9,"
    " claimed_at = ?10, changed_at = ?5, step = 0, interrupted = 0"
    " WHERE event = ?1 AND endpoint = ?2",

    /* DELIVERY_FAIL */
    "UPDATE deliveries SET state = 3, changed_at = ?3"
    " WHERE event = ?1 AND endpoint = ?2",

    /* DELIVERY_COUNT: all of an event's, and those that are being sent */
    "SELECT count(*), ifnull(sum(state = 1), 0) FROM deliveries"
    " WHERE event = ?1",

    /* OUTCOME: a retry by the ladder is a scheduled one again */
    "UPDATE deliveries SET state = ?5, class = ?6, next_at = ?7, step = ?8,"
    " interrupted = ?9, trigger = trigger * ?10, lease_owner = NULL,"
    " lease_until = 0, changed_at = ?11"
    " WHERE event = ?1 AND endpoint = ?2 AND attempts = ?3"
    " AND +state = 1 AND +lease_owner = ?4",

    /* ATTEMPT_ADD */
    "INSERT INTO attempts (event, endpoint, number, trigger, result,"
    " started_at, duration, status, truncated, error, request_headers,"
    " response_headers, request_body, response_body)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",

    /* DUE */
    "SELECT event, next_at FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = ?2 AND next_at <= ?3 ORDER BY next_at LIMIT ?4",

    /* DUE_FAR */
    "SELECT event, next_at FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = ?2 AND next_at > ?3 ORDER BY next_at LIMIT ?4",

    /* DUE_FIRST */
    "SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = ?2 ORDER BY next_at LIMIT 1",

    /* DUE_LAST */
    "SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = ?2 ORDER BY next_at DESC LIMIT 1",

    /* CLAIM_READ */
    "SELECT d.attempts, d.replay, d.step, d.interrupted, d.trigger,"
    " ifnull(e.forgotten, 1), e.id, e.event_id, e.type, e.created_at,"
    " e.conversation_id, e.jam_id, e.recording_url, e.key, e.body"
    " FROM deliveries d LEFT JOIN events e ON e.seq = d.event"
    " WHERE d.event = ?1 AND d.endpoint = ?2",

    /* CLAIM_TAKE */
    "UPDATE deliveries SET state = 1, attempts = ?3, lease_owner = ?4,"
    " lease_until = ?5, claimed_at = ?6, changed_at = ?6"
    " WHERE event = ?1 AND endpoint = ?2",

    /* SHIFT: the clock was set back behind what these were told to wait from */
    "UPDATE deliveries SET next_at = ?3 + max(next_at - changed_at, 0),"
    " changed_at = ?3 WHERE endpoint = ?1 AND event IN"
    " (SELECT event FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = ?2 AND next_at > ?3 AND changed_at > ?3 LIMIT ?4)",

    /* LATEST */
    "SELECT max(ifnull((SELECT received_at FROM events"
    " WHERE seq = (SELECT max(seq) FROM events)), 0),"
    " ifnull((SELECT started_at FROM attempts"
    " WHERE seq = (SELECT max(seq) FROM attempts)), 0))",

    /* REPLAY: one, or all with NULL for the endpoint */
    "UPDATE deliveries SET state = 0, class = 0, next_at = ?3, step = 0,"
    " interrupted = 0, replay = replay + 1, trigger = 1, changed_at = ?3"
    " WHERE event = ?1 AND endpoint = ifnull(?2, endpoint)",

    /* RECOVER_LIST: failed ones and waiting ones, merged by event */
    "SELECT event, state FROM deliveries WHERE state = 3 AND endpoint = ?1"
    " AND event > ?2 AND event <= ?3"
    " UNION ALL"
    " SELECT event, state FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND event > ?2 AND event <= ?3"
    " ORDER BY event LIMIT ?4",

    /* RECOVER: what only waits and is hurried, was not judged: no replay */
    "UPDATE deliveries SET state = 0, class = 1, next_at = ?3, step = 0,"
    " interrupted = 0, replay = replay + (state = 3), trigger = 1,"
    " changed_at = ?3"
    " WHERE event = ?1 AND endpoint = ?2 AND (+state = 3 OR next_at > ?3)"
    " AND (SELECT received_at >= ?4 AND received_at < ?5 AND NOT forgotten"
    " FROM events WHERE seq = ?1)",

    /* RESUME */
    "UPDATE deliveries SET class = 1 WHERE endpoint = ?1 AND event IN"
    " (SELECT event FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND class = 0 AND +event <= ?2 LIMIT ?3)",

    /* FORGET_EVENT */
    "UPDATE events SET event_id = NULL, conversation_id = NULL,"
    " jam_id = NULL, recording_url = NULL, headers = NULL, body = NULL,"
    " forgotten = 1 WHERE seq = ?1",

    /* FORGET_ATTEMPTS */
    "UPDATE attempts SET request_headers = NULL, request_body = NULL,"
    " response_headers = NULL, response_body = NULL WHERE event = ?1",

    /* FORGET_DELIVERIES */
    "UPDATE deliveries SET state = 3, changed_at = ?2"
    " WHERE event = ?1 AND +state = 0",

    /* PROBE: the same bytes again would not be written */
    "INSERT OR REPLACE INTO probe (id, data) VALUES (1, randomblob(65536))",

    /* RETAIN_LIST */
    "SELECT seq, received_at, ifnull(length(body), 0) FROM events"
    " WHERE seq > ?1 ORDER BY seq"
    " LIMIT ?2",

    /* RETAIN_DELIVERIES */
    "SELECT d.endpoint, d.state, ifnull(p.paused, 0), ifnull(p.seen_at, 0)"
    " FROM deliveries d LEFT JOIN endpoints p ON p.id = d.endpoint"
    " WHERE d.event = ?1",

    /* RELEASE: its lease is over, and nobody here has its endpoint */
    "UPDATE deliveries SET state = 0, class = 1, next_at = ?4,"
    " changed_at = ?4, lease_owner = NULL, lease_until = 0"
    " WHERE event = ?1 AND endpoint = ?2 AND +state = 1"
    " AND +lease_owner = ?3",

    "DELETE FROM attempts WHERE event = ?1",
    "DELETE FROM deliveries WHERE event = ?1",
    "DELETE FROM events WHERE seq = ?1",

    /* POLL_OWNER: from one owner to the next */
    "SELECT lease_owner FROM deliveries WHERE state = 1 AND lease_owner > ?1"
    " AND typeof(lease_owner) = 'text'"
    " AND length(CAST(lease_owner AS BLOB)) = 32"
    " ORDER BY lease_owner LIMIT 1",

    /* POLL_ORPHANS */
    "SELECT d.event, d.endpoint, d.attempts, d.step, d.interrupted,"
    " d.trigger, d.claimed_at, e.id"
    " FROM deliveries d LEFT JOIN events e ON e.seq = d.event"
    " WHERE d.state = 1 AND d.lease_owner = ?1 AND d.lease_until <= ?2",

    /* TALLY_LIST */
    "SELECT endpoint FROM deliveries WHERE event = ?1 AND +state = 2",

    /* TALLY_ADD */
    "INSERT INTO tallies (endpoint, succeeded) VALUES (?1, ?2)"
    " ON CONFLICT (endpoint) DO UPDATE"
    " SET succeeded = succeeded + excluded.succeeded",

    /* TALLY_READ */
    "SELECT succeeded FROM tallies WHERE endpoint = ?1",

    /* ROLLUP_ADD */
    "INSERT INTO rollups (span, at, endpoint, slot, n)"
    " VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (span, at, endpoint, slot) DO UPDATE"
    " SET n = n + excluded.n",

    /* ROLLUP_LIST */
    "SELECT at, endpoint, slot, n FROM rollups WHERE span = ?1"
    " AND at >= ?2 AND at < ?3",

    /* ROLLUP_REMOVE */
    "DELETE FROM rollups WHERE (span, at, endpoint, slot) IN"
    " (SELECT span, at, endpoint, slot FROM rollups WHERE span = ?1"
    " AND at < ?2 LIMIT ?3)",

    /*
     * WALK_*: rows of a list, newest first, from below a number on: what they
     * are chosen by, that number, how many.
     */
    "SELECT seq FROM events WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",

    /* WALK_TYPE */
    "SELECT seq FROM events WHERE type = ?1 AND seq < ?2"
    " ORDER BY seq DESC LIMIT ?3",

    /* WALK_CONVERSATION */
    "SELECT seq FROM events WHERE conversation_id = ?1 AND seq < ?2"
    " ORDER BY seq DESC LIMIT ?3",

    /* WALK_JAM */
    "SELECT seq FROM events WHERE jam_id = ?1 AND seq < ?2"
    " ORDER BY seq DESC LIMIT ?3",

    /* WALK_PENDING */
    "SELECT event FROM deliveries WHERE state = 0 AND endpoint = ?1"
    " AND event < ?2 ORDER BY event DESC LIMIT ?3",

    /* WALK_FAILED */
    "SELECT event FROM deliveries WHERE state = 3 AND endpoint = ?1"
    " AND event < ?2 ORDER BY event DESC LIMIT ?3",

    /* WALK_SENDING: there are never many, and they are sorted here */
    "SELECT event FROM deliveries WHERE state = 1 AND lease_owner > ''"
    " AND +event < ?1 ORDER BY +event DESC LIMIT ?2",

    /* WALK_ATTEMPTS */
    "SELECT seq FROM attempts WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",

    /* WALK_RESULT */
    "SELECT seq FROM attempts WHERE endpoint = ?1 AND result = ?2"
    " AND seq < ?3 ORDER BY seq DESC LIMIT ?4",

    /* TIME_OF_EVENT: the first one from there on */
    "SELECT seq, received_at FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1",

    /* TIME_OF_ATTEMPT: when it ended; of an interrupted one nobody knows */
    "SELECT seq, started_at + duration FROM attempts WHERE seq >= ?1"
    " AND +result <> 2 ORDER BY seq LIMIT 1",

    /* SHOW_ENDPOINTS: as many as names were ever configured */
    "SELECT id, name, paused, paused_at, failing_since FROM endpoints"
    " ORDER BY id",

    /* SHOW_EVENT: what comes behind the header of the body is not read */
    "SELECT received_at, forgotten, ifnull(length(body), 0), id, source,"
    " event_id, type, created_at, conversation_id, jam_id, recording_url, key"
    " FROM events WHERE seq = ?1 AND (?2 IS NULL OR type = ?2)"
    " AND (?3 IS NULL OR conversation_id = ?3)"
    " AND (?4 IS NULL OR jam_id = ?4)"
    " AND received_at >= ?5 AND received_at < ?6",

    /* SHOW_BODY */
    "SELECT headers, body FROM events WHERE seq = ?1",

    /* SHOW_DELIVERIES */
    "SELECT endpoint, state, next_at, changed_at, attempts, replay"
    " FROM deliveries WHERE event = ?1",

    /* SHOW_ATTEMPTS: of an event */
    "SELECT event, endpoint, number, trigger, result, started_at, duration,"
    " status, error, truncated, request_headers, request_body,"
    " response_headers, response_body"
    " FROM attempts WHERE event = ?1 ORDER BY seq DESC LIMIT ?2",

    /* SHOW_ATTEMPT: the first columns are the same */
    "SELECT a.event, a.endpoint, a.number, a.trigger, a.result, a.started_at,"
    " a.duration, a.status, a.error, e.id, e.type"
    " FROM attempts a LEFT JOIN events e ON e.seq = a.event"
    " WHERE a.seq = ?1 AND a.started_at >= ?2 AND a.started_at < ?3",

    /* LAST_ATTEMPT */
    "SELECT ifnull(max(seq), 0) FROM attempts",

    /* LAST_ATTEMPT_OF an endpoint */
    "SELECT max(ifnull((SELECT max(seq) FROM attempts"
    " WHERE endpoint = ?1 AND result = 0), 0),"
    " ifnull((SELECT max(seq) FROM attempts"
    " WHERE endpoint = ?1 AND result = 1), 0),"
    " ifnull((SELECT max(seq) FROM attempts"
    " WHERE endpoint = ?1 AND result = 2), 0))",

    /* COUNT_PENDING */
    "SELECT count(*), min(event) FROM deliveries"
    " WHERE state = 0 AND endpoint = ?1",

    /* COUNT_FAILED */
    "SELECT count(*) FROM deliveries WHERE state = 3 AND endpoint = ?1",

    /* LIST_SENDING */
    "SELECT endpoint FROM deliveries WHERE state = 1 AND lease_owner > ''"
};
