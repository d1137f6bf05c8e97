
#include "ngx_http_jamhook_pgsql.h"


/*
 * The statements, all in one place, so that a test can ask PostgreSQL how it
 * carries out each of them: none may walk through a table that grows.
 *
 * In the order of ngx_http_jamhook_pgsql_e.  Numbers of states are written out,
 * for only so is a partial index found.  Nothing newer than PostgreSQL 14 is
 * used.
 */

#define NOW  NGX_HTTP_JAMHOOK_PGSQL_NOW

/* the same, worked out once and not for each row */

#define TIME  "(SELECT " NOW ")"


/* what an endpoint's row becomes by OUTCOME_ENDPOINT */

#define FAILING                                                               \
    "CASE WHEN u.failed = 1 AND (u.succeeded = 1 OR p.failing_since = 0"      \
    " OR p.failing_since > " TIME ") THEN " TIME                              \
    " WHEN u.succeeded = 1 AND u.failed = 0 THEN 0 ELSE p.failing_since END"

#define PAUSED                                                                \
    "CASE WHEN u.gone = 1 THEN CASE WHEN p.paused IN (0, 3) THEN 2"           \
    " ELSE p.paused END"                                                      \
    " WHEN u.succeeded = 1 THEN CASE p.paused WHEN 3 THEN 0"                  \
    " ELSE p.paused END"                                                      \
    " WHEN u.failed = 1 AND u.after > 0 AND p.paused = 0"                     \
    " AND p.failing_since > 0 AND " TIME " - p.failing_since >= u.after"      \
    " THEN 3 ELSE p.paused END"


/* what waits for CLAIM's endpoint, of a class, in its order */

#define WAITING(columns, class, when)                                         \
    "SELECT " columns " FROM deliveries WHERE state = 0 AND endpoint = $2"    \
    " AND class = " class " AND next_at " when " " TIME                       \
    " ORDER BY next_at, event"

/* the number of the lock that who removes what is old holds */
#define NGX_HTTP_JAMHOOK_PGSQL_RETAINING  "7738153410428823553"


/*
 * What is below a number and above another, newest first, $3 of it: a piece of
 * an index that a list is looked for in.
 */
#define PIECE(number, rows)                                                   \
    "SELECT " number " AS seq FROM " rows " AND " number " < $1::int8 AND "   \
    number " > $2::int8 ORDER BY " number " DESC LIMIT $3::int8"

/* The same out of a queue of each endpoint of $10, without those twice. */
#define QUEUED(state)                                                         \
    "SELECT DISTINCT q.seq FROM unnest($10::int8[]) p CROSS JOIN LATERAL ("   \
    PIECE("event", "deliveries WHERE state = " state " AND endpoint = p")     \
    ") q ORDER BY q.seq DESC LIMIT $3"

/* A piece's rows that match, $4 of them; how far it went comes with each. */
#define LIST(piece, columns, rows, where, more, rest)                         \
    "WITH w AS MATERIALIZED (" piece "), m AS MATERIALIZED (SELECT " columns  \
    " FROM w " rows " WHERE " where " ORDER BY w.seq DESC LIMIT $4::int8)"    \
    " SELECT x.low, x.n, m.*" more " FROM"                                    \
    " (SELECT min(seq) AS low, count(*) AS n FROM w) x LEFT JOIN m ON true"   \
    rest " ORDER BY m.seq DESC"

#define EVENT                                                                 \
    "e.received_at, e.forgotten, coalesce(octet_length(e.body), 0) AS size,"  \
    " e.id, e.source, e.event_id, e.type, e.created_at, e.conversation_id,"   \
    " e.jam_id, e.recording_url, e.key"

#define DELIVERY                                                              \
    "d.endpoint, d.state, d.next_at, d.changed_at, d.attempts, d.replay"

#define ATTEMPT                                                               \
    "a.event, a.endpoint, a.number, a.trigger, a.result, a.started_at,"       \
    " a.duration, a.status, a.error"

#define EVENTS(piece, where)                                                  \
    LIST(piece, "e.seq, " EVENT, "JOIN events e ON e.seq = w.seq",            \
         "($5::text IS NULL OR e.type = $5)"                                  \
         " AND ($6::text IS NULL OR e.conversation_id = $6)"                  \
         " AND ($7::text IS NULL OR e.jam_id = $7)"                           \
         " AND e.received_at >= $8::int8 AND e.received_at < $9::int8"        \
         where,                                                               \
         ", " DELIVERY, " LEFT JOIN deliveries d ON d.event = m.seq")

/*
 * A delivery of state $11 (-1: any) to one of $10 (NULL: any).  The OFFSET
 * keeps it from being planned as a look at all deliveries at once.
 */
#define HAS                                                                   \
    " AND ($10::int8[] IS NULL AND $11::int8 < 0 OR EXISTS (SELECT 1"         \
    " FROM deliveries h WHERE h.event = e.seq"                                \
    " AND ($10 IS NULL OR h.endpoint = ANY ($10))"                            \
    " AND ($11 < 0 OR h.state = $11) OFFSET 0))"

/* what all of the piece has: the parameter is there all the same */
#define HAVE  " AND $11::int8 < 0"

#define ATTEMPTS(piece)                                                       \
    LIST(piece, "a.seq, " ATTEMPT ", e.id, e.type",                           \
         "JOIN attempts a ON a.seq = w.seq"                                   \
         " LEFT JOIN events e ON e.seq = a.event",                            \
         "a.started_at >= $5::int8 AND a.started_at < $6::int8", "", "")

/*
 * Between which two rows times $1 and $2 lie: "low" is before it and "high" is
 * not, or both are beyond the ends, and none lies between them.  Behind the
 * last one whose time is known there may be others: then "high" is no bound.
 */
#define BOUND(table, time)                                                    \
    "WITH RECURSIVE b (i, at, low, high) AS ("                                \
    "SELECT t.i, t.at, (SELECT coalesce(min(seq), 1) - 1 FROM " table "),"    \
    " (SELECT coalesce(max(seq), 0) + 1 FROM " table ")"                      \
    " FROM (VALUES (0, $1::int8), (1, $2::int8)) t (i, at)"                   \
    " UNION ALL SELECT b.i, b.at,"                                            \
    " CASE WHEN r.seq < b.high AND r.at < b.at THEN r.seq ELSE b.low END,"    \
    " CASE WHEN r.seq < b.high AND r.at < b.at THEN b.high"                   \
    " ELSE b.low + (b.high - b.low) / 2 END"                                  \
    " FROM b LEFT JOIN LATERAL (SELECT seq, " time " FROM " table             \
    " WHERE seq >= b.low + (b.high - b.low) / 2 ORDER BY seq LIMIT 1) r"      \
    " ON true WHERE b.high - b.low > 1)"                                      \
    " SELECT low, CASE WHEN EXISTS (SELECT 1 FROM " table                     \
    " WHERE seq >= b.high) THEN high ELSE 9223372036854775807 END"            \
    " FROM b WHERE high - low <= 1 ORDER BY i"


/*
 * The last attempt of endpoint p with that result, by attempts_result alone: a
 * plain question for it may be answered by a walk through all attempts.
 */
#define LAST(r)                                                               \
    "(SELECT CASE WHEN x.endpoint = p.id AND x.result = " r                   \
    " THEN x.seq END FROM (SELECT endpoint, result, seq FROM attempts"        \
    " WHERE (endpoint, result) <= (p.id, " r ")"                              \
    " ORDER BY endpoint DESC, result DESC, seq DESC LIMIT 1) x)"


const char  *ngx_http_jamhook_pgsql_sql[] = {

    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "COMMIT",
    "ROLLBACK",

    /* NOTIFY */
    "SELECT pg_notify('jamhook', '')",

    /*
     * ENDPOINT_ADD: no lock where there is nothing to do.  New ones in the
     * order of nginx.conf, which is the same on all nodes; where it is not,
     * establish() tries again.  A row that others have locked is not waited
     * for: RETAIN_SEEN makes up for it.
     */
    "WITH n AS (SELECT name, ord FROM unnest($2::text[])"
    " WITH ORDINALITY u (name, ord)), seen AS ("
    "UPDATE endpoints SET seen_at = " NOW " WHERE id = ANY (ARRAY("
    "SELECT p.id FROM n JOIN endpoints p ON p.name = n.name"
    " WHERE p.seen_at < " NOW " - 60000 FOR UPDATE OF p SKIP LOCKED)))"
    " INSERT INTO endpoints (name, seen_at) SELECT n.name, " NOW " FROM n"
    " WHERE NOT EXISTS (SELECT 1 FROM endpoints p WHERE p.name = n.name)"
    " ORDER BY n.ord ON CONFLICT (name) DO NOTHING",

    /* ENDPOINT_FIND */
    "SELECT n.ord, p.id FROM unnest($1::text[]) WITH ORDINALITY n (name, ord)"
    " JOIN endpoints p ON p.name = n.name",

    /* pgsql_event, pgsql_outcome, pgsql_claim */

    /*
     * EVENT_ADD: what is there already is locked, so that it stays.  By id, as
     * every node does it: who gets the same ones waits, and is no deadlock.
     */
    "INSERT INTO events (received_at, id, source, event_id, type, created_at,"
    " conversation_id, jam_id, recording_url, key, headers, body)"
    " SELECT " TIME ", u.id, u.source, u.event_id, u.type, u.created_at,"
    " u.conversation_id, u.jam_id, u.recording_url, u.key, u.headers, u.body"
    " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
    " $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],"
    " $12::bytea[]) WITH ORDINALITY u (id, source, event_id, type,"
    " created_at, conversation_id, jam_id, recording_url, key, headers, body,"
    " ord) ORDER BY u.id COLLATE \"C\""
    " ON CONFLICT (id) DO UPDATE SET received_at = events.received_at"
    " WHERE false"
    " RETURNING seq",

    /*
     * EVENT_ROUTE: its own snapshot sees what EVENT_ADD met.  Arrays are
     * looked into by number, for joins would compare each row with each, and
     * in the usual case, where all is new, what failed before is not looked
     * for.  "state + 0": never by a partial index.  An endpoint whose row is
     * gone makes a class of NULL, which is refused.
     */
    "WITH e AS MATERIALIZED (SELECT u.ord, e.seq,"
    " CASE WHEN e.forgotten = 1 THEN 2"
    " WHEN sha256(e.body) IS NOT DISTINCT FROM u.digest THEN 1"
    " WHEN e.seq IS NOT NULL THEN 3 END AS kind"
    " FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY u (id, digest, ord)"
    " LEFT JOIN events e ON e.id = u.id),"
    " m AS MATERIALIZED (SELECT array_agg(seq ORDER BY ord) AS seq,"
    " array_agg(kind ORDER BY ord) AS kind FROM e),"
    " w AS MATERIALIZED (SELECT r.ord, m.seq[r.nth::int] AS event,"
    " m.kind[r.nth::int] AS kind, r.endpoint, p.paused, r.lease,"
    " r.lease > 0 AND p.paused = 0 AS claim"
    " FROM m, unnest($4::int8[], $5::int8[], $6::int8[]) WITH ORDINALITY"
    " r (nth, endpoint, lease, ord),"
    " LATERAL (SELECT (SELECT paused FROM endpoints"
    " WHERE id = r.endpoint) AS paused OFFSET 0) p),"
    " added AS (INSERT INTO deliveries (event, endpoint, state, class,"
    " next_at, attempts, lease_owner, lease_until, claimed_at, changed_at)"
    " SELECT event, endpoint, claim::int, (paused <> 0)::int, " TIME ","
    " claim::int, CASE WHEN claim THEN $7::text END,"
    " CASE WHEN claim THEN " TIME " + lease ELSE 0 END,"
    " CASE WHEN claim THEN " TIME " ELSE 0 END, " TIME
    " FROM w WHERE kind = 1 AND endpoint <> 0"
    " ON CONFLICT DO NOTHING RETURNING event, endpoint),"
    " c AS MATERIALIZED (SELECT (SELECT count(*) FROM added)"
    " = (SELECT count(*) FROM w WHERE kind = 1 AND endpoint <> 0) AS whole),"
    " again AS (UPDATE deliveries d SET state = w.claim::int,"
    " class = (w.paused <> 0)::int, next_at = " TIME ","
    " attempts = d.attempts + w.claim::int, trigger = 0, step = 0,"
    " interrupted = 0, lease_owner = CASE WHEN w.claim THEN $7 END,"
    " lease_until = CASE WHEN w.claim THEN " TIME " + w.lease ELSE 0 END,"
    " claimed_at = CASE WHEN w.claim THEN " TIME " ELSE 0 END,"
    " changed_at = " TIME
    " FROM w WHERE NOT (SELECT whole FROM c) AND w.kind = 1"
    " AND d.event = w.event AND d.endpoint = w.endpoint AND d.state + 0 = 3"
    " RETURNING w.ord, d.attempts, d.replay)"
    " SELECT w.ord, w.event, w.kind, w.claim, c.whole OR EXISTS (SELECT 1"
    " FROM added a WHERE a.event = w.event AND a.endpoint = w.endpoint),"
    " CASE WHEN NOT c.whole THEN"
    " (SELECT a.attempts FROM again a WHERE a.ord = w.ord) END,"
    " CASE WHEN NOT c.whole THEN"
    " coalesce((SELECT a.replay FROM again a WHERE a.ord = w.ord),"
    " (SELECT d.replay FROM deliveries d WHERE d.event = w.event"
    " AND d.endpoint = w.endpoint)) END"
    " FROM w, c",

    /*
     * OUTCOME: a retry by the ladder is a scheduled one again.  What is late
     * is recorded, if it is our own and its event is there.  What was written
     * before, by a COMMIT whose answer was lost, is not late.
     */
    "WITH u AS MATERIALIZED (SELECT * FROM unnest($4::int8[], $5::int8[],"
    " $6::int8[], $7::text[], $8::int8[], $9::int8[], $10::int8[],"
    " $11::int8[], $12::int8[], $13::int8[]) WITH ORDINALITY u (event,"
    " endpoint, number, owner, state, delay, step, interrupted, result,"
    " started, ord)),"
    " hit AS (UPDATE deliveries d SET state = u.state,"
    " class = (u.state = 0)::int,"
    " next_at = CASE u.state WHEN 0 THEN " TIME " + u.delay ELSE 0 END,"
    " step = u.step, interrupted = u.interrupted,"
    " trigger = CASE u.result WHEN 2 THEN d.trigger ELSE 0 END,"
    " lease_owner = NULL, lease_until = 0, changed_at = " TIME
    " FROM u WHERE d.event = u.event AND d.endpoint = u.endpoint"
    " AND d.attempts = u.number AND d.state + 0 = 1"
    " AND d.lease_owner = coalesce(u.owner, $2::text) RETURNING u.ord),"
    " h AS MATERIALIZED (SELECT array_agg(ord) AS ords,"
    " count(*) = cardinality($4) AS whole FROM hit),"
    " v AS MATERIALIZED (SELECT u.ord, u.event, u.endpoint, u.number, u.state,"
    " u.result, u.owner IS NULL AS own, x.hit,"
    " CASE WHEN u.owner IS NULL THEN " TIME " - u.started ELSE u.started END"
    " AS started, CASE WHEN x.hit THEN 0 WHEN u.owner IS NULL THEN (SELECT"
    " e.forgotten FROM events e WHERE e.seq = u.event FOR SHARE) END AS kept"
    " FROM u, h, LATERAL (SELECT h.whole"
    " OR coalesce(u.ord = ANY (h.ords), false) AS hit) x),"
    " a AS (INSERT INTO attempts (event, endpoint, number, result, started_at,"
    " trigger, duration, status, truncated, error, request_headers,"
    " response_headers, request_body, response_body)"
    " SELECT event, endpoint, number, result, started,"
    " ($14::int8[])[ord::int], ($15::int8[])[ord::int],"
    " ($16::int8[])[ord::int], ($17::int8[])[ord::int],"
    " ($19::text[])[ord::int],"
    " CASE kept WHEN 0 THEN ($20::text[])[ord::int] END,"
    " CASE kept WHEN 0 THEN ($21::text[])[ord::int] END,"
    " CASE kept WHEN 0 THEN ($22::bytea[])[ord::int] END,"
    " CASE kept WHEN 0 THEN ($23::bytea[])[ord::int] END"
    " FROM v WHERE kept IS NOT NULL"
    " ON CONFLICT (event, endpoint, number, (result = 2)) DO NOTHING"
    " RETURNING event, endpoint),"
    " c AS MATERIALIZED (SELECT (SELECT count(*) FROM a)"
    " = (SELECT count(*) FROM v WHERE kept IS NOT NULL) AS whole),"
    " w AS MATERIALIZED (SELECT v.*, v.kept IS NOT NULL AND (c.whole"
    " OR EXISTS (SELECT 1 FROM a WHERE a.event = v.event"
    " AND a.endpoint = v.endpoint)) AS written FROM v, c),"
    " r AS (INSERT INTO rollups (span, at, endpoint, slot, shard, n)"
    " SELECT s.span, t.at - t.at % s.width, w.endpoint,"
    " ($18::int8[])[w.ord::int], $3::int8, count(*)"
    " FROM w, (VALUES (0, 60), (1, 3600)) s (span, width),"
    " LATERAL (SELECT w.started / 1000 AS at) t"
    " WHERE w.written GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    " ON CONFLICT (span, at, endpoint, slot, shard)"
    " DO UPDATE SET n = rollups.n + excluded.n),"
    " t AS (INSERT INTO tallies (endpoint, shard, succeeded)"
    " SELECT endpoint, $3, count(*) FROM v WHERE hit AND state = 2"
    " GROUP BY 1 ORDER BY 1 ON CONFLICT (endpoint, shard)"
    " DO UPDATE SET succeeded = tallies.succeeded + excluded.succeeded)"
    " SELECT ord FROM w WHERE NOT hit AND (NOT own OR kept IS NULL OR written"
    " OR NOT EXISTS (SELECT 1 FROM attempts a WHERE a.event = w.event"
    " AND a.endpoint + 0 = w.endpoint AND a.number = w.number"
    " AND a.result + 0 = w.result OFFSET 0))",

    /*
     * OUTCOME_ENDPOINT: "after" is jamhook_disable_after, 0: off.  A row is
     * locked where it changes, and seldom does; what it becomes is worked out
     * anew if others had it.
     */
    "WITH o AS MATERIALIZED (SELECT u.ord, p.id, p.paused,"
    " " FAILING " AS failing, " PAUSED " AS becomes"
    " FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])"
    " WITH ORDINALITY u (endpoint, succeeded, failed, gone, after, ord)"
    " JOIN endpoints p ON p.id = u.endpoint"
    " WHERE " FAILING " <> p.failing_since OR " PAUSED " <> p.paused"
    " ORDER BY p.id FOR NO KEY UPDATE OF p)"
    " UPDATE endpoints p SET failing_since = o.failing, paused = o.becomes,"
    " paused_at = CASE WHEN o.becomes = o.paused THEN p.paused_at"
    " WHEN o.becomes = 0 THEN 0 ELSE " TIME " END,"
    " probe_at = CASE WHEN o.becomes = o.paused THEN p.probe_at"
    " WHEN o.becomes = 3 THEN " TIME " + $7::int8 ELSE 0 END"
    " FROM o WHERE p.id = o.id"
    " RETURNING o.ord, o.paused, p.paused,"
    " CASE WHEN o.paused <> 0 AND p.paused = 0"
    " THEN pg_notify('jamhook', '')::text END",

    /* CLAIM_FAR: what was to wait longer than anything does is due now */
    "UPDATE deliveries d SET next_at = " TIME
    " FROM (SELECT f.event, f.endpoint FROM unnest($2::int8[]) p (id),"
    " (VALUES (0), (1)) c (class),"
    " LATERAL (SELECT event, endpoint FROM deliveries WHERE state = 0"
    " AND endpoint = p.id AND class = c.class"
    " AND next_at > " TIME " + $3::int8 ORDER BY next_at LIMIT $4::int8"
    " FOR NO KEY UPDATE SKIP LOCKED) f) f"
    " WHERE d.event = f.event AND d.endpoint = f.endpoint"
    " AND d.state + 0 = 0",

    /*
     * CLAIM: n is the limit; n0 and n1 say how many are due, of each class, up
     * to one more than that; k0 and k1 are those that nobody else has in hand.
     * What is taken of them fits into $7 bytes, but it is one at least.
     */
    "WITH p AS MATERIALIZED (SELECT paused,"
    " CASE WHEN probe_at <= " TIME " OR probe_at > " TIME " + $8::int8 THEN 0"
    " ELSE probe_at - " TIME " END AS probe_in"
    " FROM endpoints WHERE id = $2::int8),"
    " probe AS MATERIALIZED (SELECT id FROM endpoints WHERE id = $2"
    " AND paused = 3 AND (probe_at <= " TIME " OR probe_at > " TIME " + $8)"
    " AND coalesce((" WAITING("next_at", "0", "<=") " LIMIT 1),"
    " (" WAITING("next_at", "1", "<=") " LIMIT 1)) IS NOT NULL"
    " FOR NO KEY UPDATE),"
    " l AS MATERIALIZED (SELECT p.*, CASE paused WHEN 0 THEN $3::int8"
    " WHEN 3 THEN least($3, (SELECT count(*) FROM probe)) ELSE 0 END AS n"
    " FROM p),"
    " d AS MATERIALIZED (SELECT l.*, (SELECT count(*) FROM ("
    WAITING("1", "0", "<=") " LIMIT l.n + 1) x) AS n0,"
    " (SELECT count(*) FROM ("
    WAITING("1", "1", "<=") " LIMIT l.n + 1) x) AS n1,"
    " CASE l.paused WHEN 0 THEN $4::int8 ELSE coalesce(("
    WAITING("next_at", "1", "<=") " LIMIT 1) < ("
    WAITING("next_at", "0", "<=") " LIMIT 1), false)::int END AS share"
    " FROM l),"
    " t AS MATERIALIZED (SELECT d.*, least(n0, n - least(share, n, n1))"
    " AS take0 FROM d),"
    " k0 AS MATERIALIZED (" WAITING("*", "0", "<=")
    " LIMIT (SELECT take0 FROM t) FOR NO KEY UPDATE SKIP LOCKED),"
    " k1 AS MATERIALIZED (" WAITING("*", "1", "<=")
    " LIMIT (SELECT least(n1, n - take0) FROM t)"
    " FOR NO KEY UPDATE SKIP LOCKED),"
    " j AS MATERIALIZED (SELECT k.event, k.endpoint, k.class, k.next_at,"
    " coalesce(e.forgotten = 0, false) AS alive, e.id, e.event_id, e.type,"
    " e.created_at, e.conversation_id, e.jam_id, e.recording_url, e.key,"
    " e.body,"
    " coalesce(sum(octet_length(e.body)) OVER (ORDER BY k.class, k.next_at,"
    " k.event ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before"
    " FROM (SELECT * FROM k0 UNION ALL SELECT * FROM k1) k"
    " LEFT JOIN events e ON e.seq = k.event),"
    " x AS (UPDATE deliveries d SET state = CASE WHEN j.alive THEN 1 ELSE 3"
    " END, attempts = d.attempts + j.alive::int,"
    " lease_owner = CASE WHEN j.alive THEN $5::text END,"
    " lease_until = CASE WHEN j.alive THEN " TIME " + $6::int8 ELSE 0 END,"
    " claimed_at = CASE WHEN j.alive THEN " TIME " ELSE d.claimed_at END,"
    " changed_at = " TIME
    " FROM j WHERE d.event = j.event AND d.endpoint = j.endpoint"
    " AND d.state + 0 = 0 AND (NOT j.alive OR j.before < $7::int8)"
    " RETURNING j.class, j.next_at, d.event, j.alive, d.attempts, d.replay,"
    " d.step, d.interrupted, d.trigger, j.id, j.event_id, j.type,"
    " j.created_at, j.conversation_id, j.jam_id, j.recording_url, j.key,"
    " j.body),"
    " probed AS (UPDATE endpoints SET probe_at = " TIME " + $8"
    " WHERE id = $2 AND EXISTS (SELECT 1 FROM probe)"
    " AND EXISTS (SELECT 1 FROM x WHERE alive))"
    " SELECT t.paused, t.probe_in, t.n0 + t.n1, t.n1 > 0,"
    " (SELECT count(*) FROM j), least("
    "(" WAITING("next_at", "0", ">") " LIMIT 1), "
    "(" WAITING("next_at", "1", ">") " LIMIT 1)) - " TIME ","
    " x.event, x.alive, x.attempts, x.replay, x.step, x.interrupted,"
    " x.trigger, x.id, x.event_id, x.type, x.created_at, x.conversation_id,"
    " x.jam_id, x.recording_url, x.key, x.body"
    " FROM t LEFT JOIN x ON true ORDER BY x.class, x.next_at, x.event",

    /*
     * pgsql_poll, pgsql_admin, pgsql_retain.  A "+ 0" behind a column keeps an
     * index from being used where another one is meant.
     */

    /*
     * POLL: how these endpoints stand, and when the first and the last one of
     * those that wait are due
     */
    "SELECT p.id, p.paused, p.paused_at, p.failing_since,"
    " p.probe_at - " NOW ","
    " CASE WHEN p.paused IN (1, 2) THEN NULL ELSE least("
    "(SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = p.id"
    " AND class = 0 ORDER BY next_at LIMIT 1),"
    " (SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = p.id"
    " AND class = 1 ORDER BY next_at LIMIT 1)) END - " NOW ","
    " CASE WHEN p.paused IN (1, 2) THEN NULL ELSE greatest("
    "(SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = p.id"
    " AND class = 0 ORDER BY next_at DESC LIMIT 1),"
    " (SELECT next_at FROM deliveries WHERE state = 0 AND endpoint = p.id"
    " AND class = 1 ORDER BY next_at DESC LIMIT 1)) END - " NOW
    " FROM endpoints p WHERE p.id = ANY ($2::int8[])",

    /* POLL_ORPHANS: of these endpoints, the oldest first */
    "SELECT d.event, d.endpoint, d.attempts, d.step, d.interrupted,"
    " d.trigger, d.claimed_at, d.lease_owner, e.id"
    " FROM deliveries d LEFT JOIN events e ON e.seq = d.event"
    " WHERE d.state = 1 AND d.lease_until <= " NOW
    " AND d.endpoint = ANY ($2::int8[]) AND d.lease_owner > ''"
    " ORDER BY d.lease_until LIMIT $3::int8",

    /*
     * EVENT_LOCK: who adds to an event that is there, or takes something out of
     * it, waits for each other, and for who removes it
     */
    "SELECT seq, forgotten, source FROM events WHERE id = $1::text FOR UPDATE",

    /* DELIVERY_LOCK: one, or all with NULL for the endpoint */
    "SELECT endpoint, state FROM deliveries WHERE event = $1::int8"
    " AND endpoint = coalesce($2::int8, endpoint) ORDER BY endpoint"
    " FOR UPDATE",

    /* UNTALLY: those that are no succeeded ones any more */
    "INSERT INTO tallies (endpoint, shard, succeeded)"
    " SELECT endpoint, $3::int8, -1 FROM deliveries WHERE event = $1::int8"
    " AND endpoint = coalesce($2::int8, endpoint) AND state = 2"
    " ON CONFLICT (endpoint, shard) DO UPDATE"
    " SET succeeded = tallies.succeeded + excluded.succeeded",

    /* REPLAY */
    "UPDATE deliveries SET state = 0, class = 0, next_at = " NOW ", step = 0,"
    " interrupted = 0, replay = replay + 1, trigger = 1, changed_at = " NOW
    " WHERE event = $2::int8 AND endpoint = coalesce($3::int8, endpoint)",

    /* REPLAY_ADD: it was never sent: replay stays 0, for Idempotency-Key */
    "INSERT INTO deliveries (event, endpoint, state, next_at, trigger,"
    " changed_at) VALUES ($2::int8, $3::int8, 0, " NOW ", 1, " NOW ")"
    " ON CONFLICT (event, endpoint) DO NOTHING",

    /*
     * RECOVER: failed ones and waiting ones, merged by event; what only waits
     * and is hurried was not judged: no replay
     */
    "WITH bounds AS MATERIALIZED (SELECT CASE $4::int8 WHEN 0 THEN"
    " coalesce((SELECT max(seq) FROM events), 0) ELSE $4::int8 END AS last),"
    " list AS MATERIALIZED (SELECT u.* FROM bounds,"
    " LATERAL ((SELECT event, endpoint, state FROM deliveries WHERE state = 3"
    " AND endpoint = $2::int8 AND event > $3::int8 AND event <= last"
    " ORDER BY event LIMIT $5::int8)"
    " UNION ALL"
    " (SELECT event, endpoint, state FROM deliveries WHERE state = 0"
    " AND endpoint = $2::int8 AND event > $3::int8 AND event <= last"
    " ORDER BY event LIMIT $5::int8)) u ORDER BY u.event LIMIT $5::int8),"
    " done AS (UPDATE deliveries d SET state = 0, class = 1,"
    " next_at = " NOW ", step = 0, interrupted = 0,"
    " replay = d.replay + (d.state = 3)::int4, trigger = 1,"
    " changed_at = " NOW " FROM list, events e"
    " WHERE d.event = list.event AND d.endpoint = list.endpoint"
    " AND (d.state + 0 = 3 OR d.state + 0 = 0 AND d.next_at > " NOW ")"
    " AND e.seq = d.event AND e.received_at >= $6::int8"
    " AND e.received_at < $7::int8 AND e.forgotten = 0"
    " RETURNING list.state)"
    " SELECT (SELECT last FROM bounds), (SELECT count(*) FROM list),"
    " (SELECT max(event) FROM list), (SELECT count(*) FROM done),"
    " (SELECT count(*) FROM done WHERE state = 3)",

    /* PAUSE: a hand's before a 410 before failures; a row if it is there */
    "WITH done AS (UPDATE endpoints SET paused = $3::int8,"
    " paused_at = " NOW ","
    " probe_at = CASE $3::int8 WHEN 3 THEN " NOW " + $4::int8 ELSE 0 END"
    " WHERE id = $2::int8 AND (paused = 0 OR paused > $3::int8))"
    " SELECT id FROM endpoints WHERE id = $2::int8",

    /*
     * RESUME: how it stands, and what was held becomes BACKLOG, by
     * deliveries_due, where what has become so is not met again
     */
    "WITH bounds AS MATERIALIZED (SELECT CASE $2::int8 WHEN 0 THEN"
    " coalesce((SELECT max(seq) FROM events), 0) ELSE $2::int8 END AS last),"
    " done AS (UPDATE deliveries SET class = 1 WHERE endpoint = $1::int8"
    " AND state + 0 = 0 AND event = ANY (ARRAY("
    "SELECT event FROM deliveries WHERE state = 0 AND endpoint = $1::int8"
    " AND class = 0 AND event + 0 <= (SELECT last FROM bounds)"
    " AND (SELECT paused <> 0 FROM endpoints WHERE id = $1::int8)"
    " ORDER BY next_at LIMIT $3::int8)) RETURNING 1)"
    " SELECT p.paused, p.failing_since, (SELECT last FROM bounds),"
    " (SELECT count(*) FROM done)"
    " FROM endpoints p WHERE p.id = $1::int8",

    /* RESUME_END: what waited for it, and it is active again */
    "WITH done AS (UPDATE endpoints SET paused = 0, paused_at = 0,"
    " failing_since = 0, probe_at = 0 WHERE id = $1::int8)"
    " SELECT count(*) FROM deliveries WHERE state = 0"
    " AND endpoint = $1::int8",

    /* FORGET_EVENT */
    "UPDATE events SET event_id = NULL, conversation_id = NULL,"
    " jam_id = NULL, recording_url = NULL, headers = NULL, body = NULL,"
    " forgotten = 1 WHERE seq = $1::int8",

    /* FORGET_ATTEMPTS */
    "UPDATE attempts SET request_headers = NULL, request_body = NULL,"
    " response_headers = NULL, response_body = NULL WHERE event = $1::int8",

    /* FORGET_DELIVERIES */
    "UPDATE deliveries SET state = 3, changed_at = " NOW
    " WHERE event = $2::int8 AND state + 0 = 0",

    /* RETAIN_SEEN: who is in the way notes something himself */
    "UPDATE endpoints SET seen_at = " NOW " WHERE id = ANY (ARRAY("
    "SELECT id FROM endpoints WHERE id = ANY ($2::int8[])"
    " AND (seen_at > " NOW " OR seen_at <= " NOW " - $3::int8)"
    " FOR UPDATE SKIP LOCKED))",

    /* RETAIN_TURN: one at a time, of all nodes */
    "SELECT pg_try_advisory_xact_lock(" NGX_HTTP_JAMHOOK_PGSQL_RETAINING ")",

    /*
     * RELEASE: their leases are over, and nobody here has their endpoints; or
     * they have no owner, which we never write, and nobody could end them
     */
    "WITH over AS MATERIALIZED (SELECT event, endpoint FROM deliveries"
    " WHERE state = 1 AND lease_until <= " NOW
    " AND (endpoint <> ALL ($2::int8[]) OR lease_owner IS NULL"
    " OR lease_owner = '') ORDER BY lease_until LIMIT $3::int8"
    " FOR UPDATE SKIP LOCKED),"
    " done AS (UPDATE deliveries d SET state = 0, class = 1,"
    " next_at = " NOW ", changed_at = " NOW ", lease_owner = NULL,"
    " lease_until = 0 FROM over WHERE d.event = over.event"
    " AND d.endpoint = over.endpoint AND d.state + 0 = 1 RETURNING 1)"
    " SELECT count(*) FROM done",

    /* ROLLUP_REMOVE */
    "WITH old AS MATERIALIZED (SELECT span, at, endpoint, slot, shard"
    " FROM rollups WHERE span = $2::int8 AND at < " NOW " / 1000 - $3::int8"
    " ORDER BY at LIMIT $4::int8 FOR UPDATE SKIP LOCKED),"
    " done AS (DELETE FROM rollups r USING old WHERE r.span = old.span"
    " AND r.at = old.at AND r.endpoint = old.endpoint AND r.slot = old.slot"
    " AND r.shard = old.shard RETURNING 1)"
    " SELECT count(*) FROM done",

    /* RETAIN_LIST: their ages */
    "SELECT seq, " NOW " - received_at, coalesce(octet_length(body), 0)"
    " FROM events WHERE seq > $2::int8 ORDER BY seq LIMIT $3::int8",

    /* RETAIN_LOCK: what others change at this moment stays for now */
    "SELECT seq, (SELECT count(*) FROM deliveries d WHERE d.event = e.seq),"
    " (SELECT count(*) FROM attempts a WHERE a.event = e.seq)"
    " FROM events e WHERE seq = ANY ($1::int8[]) ORDER BY seq"
    " FOR UPDATE OF e SKIP LOCKED",

    /* RETAIN_DELIVERIES: likewise; how long nobody has had the endpoint */
    "SELECT d.event, d.endpoint, d.state, coalesce(p.paused, 0),"
    " " NOW " - coalesce(p.seen_at, 0)"
    " FROM deliveries d LEFT JOIN endpoints p ON p.id = d.endpoint"
    " WHERE d.event = ANY ($2::int8[]) ORDER BY d.event, d.endpoint"
    " FOR UPDATE OF d SKIP LOCKED",

    /* RETAIN_FAIL */
    "UPDATE deliveries d SET state = 3, changed_at = " NOW
    " FROM unnest($2::int8[], $3::int8[]) AS f (event, endpoint)"
    " WHERE d.event = f.event AND d.endpoint = f.endpoint AND d.state + 0 = 0",

    "DELETE FROM attempts WHERE event = ANY ($1::int8[])",

    /* REMOVE_DELIVERIES: and no more of them have succeeded */
    "WITH gone AS (DELETE FROM deliveries WHERE event = ANY ($1::int8[])"
    " RETURNING endpoint, state)"
    " INSERT INTO tallies (endpoint, shard, succeeded)"
    " SELECT endpoint, $2::int8, -count(*) FROM gone WHERE state = 2"
    " GROUP BY endpoint ON CONFLICT (endpoint, shard) DO UPDATE"
    " SET succeeded = tallies.succeeded + excluded.succeeded",

    "DELETE FROM events WHERE seq = ANY ($1::int8[])",

    /*
     * PROBE: the same bytes again would not be written; and the rights on the
     * other tables are looked at
     */
    "WITH a AS (INSERT INTO events (received_at, id) SELECT 0, ''"
    " WHERE false),"
    " b AS (UPDATE events SET forgotten = 1 WHERE false),"
    " c AS (INSERT INTO deliveries (event, endpoint, state, changed_at)"
    " SELECT 0, 0, 0, 0 WHERE false),"
    " d AS (UPDATE deliveries SET state = 0 WHERE false),"
    " e AS (INSERT INTO attempts (event, endpoint, number, trigger, result,"
    " started_at, duration, status, truncated)"
    " SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0 WHERE false),"
    " f AS (UPDATE endpoints SET paused = 0 WHERE false),"
    " g AS (INSERT INTO rollups SELECT 0, 0, 0, 0, 0, 0 WHERE false),"
    " h AS (INSERT INTO tallies SELECT 0, 0, 0 WHERE false)"
    " INSERT INTO probe (id, data) SELECT $1::int8,"
    " string_agg(uuid_send(gen_random_uuid()), '')"
    " FROM generate_series(1, 4096)"
    " ON CONFLICT (id) DO UPDATE SET data = excluded.data",

    /* pgsql_list, pgsql_show, pgsql_stats, pgsql_guest */

    /* LIST_EVENTS */
    EVENTS(PIECE("seq", "events WHERE true"), HAS),

    /* LIST_TYPE */
    EVENTS(PIECE("seq", "events WHERE type = $5::text"), HAS),

    /* LIST_CONVERSATION */
    EVENTS(PIECE("seq", "events WHERE conversation_id = $6::text"), HAS),

    /* LIST_JAM */
    EVENTS(PIECE("seq", "events WHERE jam_id = $7::text"), HAS),

    /* LIST_PENDING */
    EVENTS(QUEUED("0"), HAVE),

    /* LIST_FAILED */
    EVENTS(QUEUED("3"), HAVE),

    /* LIST_SENDING: there are never many, and they are sorted here */
    EVENTS("SELECT DISTINCT event AS seq FROM deliveries WHERE state = 1"
           " AND lease_until > -1 AND event + 0 < $1::int8"
           " AND event + 0 > $2::int8 ORDER BY event DESC LIMIT $3::int8",
           HAS),

    /* LIST_ATTEMPTS */
    ATTEMPTS(PIECE("seq", "attempts WHERE true")),

    /* LIST_RESULTS: of endpoints and with results */
    ATTEMPTS("SELECT q.seq FROM unnest($7::int8[]) p"
             " CROSS JOIN unnest($8::int8[]) r CROSS JOIN LATERAL ("
             PIECE("seq", "attempts WHERE endpoint = p AND result = r")
             ") q ORDER BY q.seq DESC LIMIT $3"),

    /* BOUND_EVENTS */
    BOUND("events", "received_at AS at"),

    /* BOUND_ATTEMPTS: when it ended; of an interrupted one nobody knows */
    BOUND("(SELECT seq, started_at + duration AS at FROM attempts"
          " WHERE result <> 2) a", "at"),

    /* SHOW_NAMED: as many as names were ever configured */
    "SELECT id, name, paused, paused_at, failing_since FROM endpoints"
    " ORDER BY id",

    /* SHOW_EVENT */
    "SELECT " EVENT ", e.seq, e.headers, e.body FROM events e"
    " WHERE e.id = $1::text",

    /* SHOW_DELIVERIES */
    "SELECT " DELIVERY " FROM deliveries d"
    " WHERE d.event = (SELECT seq FROM events WHERE id = $1::text)",

    /*
     * SHOW_ATTEMPTS: the newest $2 of the event and $3 of each delivery, with
     * their bodies till these, with the event's, are $4 bytes
     */
    "WITH e AS MATERIALIZED (SELECT seq, coalesce(octet_length(headers), 0)"
    " + coalesce(octet_length(body), 0) AS bytes FROM events"
    " WHERE id = $1::text),"
    " f AS MATERIALIZED (SELECT seq, endpoint,"
    " coalesce(octet_length(request_headers), 0)"
    " + coalesce(octet_length(request_body), 0)"
    " + coalesce(octet_length(response_headers), 0)"
    " + coalesce(octet_length(response_body), 0) AS bytes"
    " FROM attempts WHERE event = (SELECT seq FROM e)"
    " ORDER BY attempts.seq DESC LIMIT $2::int8),"
    " n AS (SELECT seq, bytes, row_number() OVER (PARTITION BY endpoint"
    " ORDER BY seq DESC) AS i FROM f),"
    " k AS MATERIALIZED (SELECT seq, coalesce(sum(bytes) OVER"
    " (ORDER BY seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),"
    " 0) + (SELECT bytes FROM e) < $4::int8 AS whole"
    " FROM n WHERE i <= $3::int8)"
    " SELECT " ATTEMPT ", CASE WHEN k.whole THEN a.truncated ELSE 1 END,"
    " CASE WHEN k.whole THEN a.request_headers END,"
    " CASE WHEN k.whole THEN a.request_body END,"
    " CASE WHEN k.whole THEN a.response_headers END,"
    " CASE WHEN k.whole THEN a.response_body END"
    " FROM k JOIN attempts a ON a.seq = k.seq ORDER BY k.seq DESC",

    /* SHOW_ENDPOINTS: those of the names, and what something waits for */
    "WITH s AS MATERIALIZED (SELECT endpoint, count(*) AS n FROM deliveries"
    " WHERE state = 1 AND lease_until > -1 GROUP BY endpoint)"
    " SELECT p.id,"
    " (SELECT count(*) FROM deliveries WHERE state = 0 AND endpoint = p.id),"
    " (SELECT count(*) FROM deliveries WHERE state = 3 AND endpoint = p.id),"
    " (SELECT sum(succeeded)::int8 FROM tallies WHERE endpoint = p.id),"
    " (SELECT n FROM s WHERE s.endpoint = p.id),"
    " (SELECT received_at FROM events WHERE seq >= (SELECT event"
    " FROM deliveries WHERE state = 0 AND endpoint = p.id"
    " ORDER BY event LIMIT 1) ORDER BY seq LIMIT 1),"
    " a.seq, " ATTEMPT ", e.id, e.type"
    " FROM endpoints p LEFT JOIN attempts a ON a.seq = greatest("
    LAST("0") ", " LAST("1") ", " LAST("2") ")"
    " LEFT JOIN events e ON e.seq = a.event"
    " WHERE p.name = ANY ($1::text[]) OR EXISTS (SELECT 1 FROM deliveries"
    " WHERE state = 0 AND endpoint = p.id OFFSET 0) ORDER BY p.id",

    /* STATS: since when, and sums of a bucket, which begins then or later */
    "WITH t AS MATERIALIZED (SELECT (" NOW " / $2::int8 - $3::int8 + 1) * $2"
    " AS since) SELECT r.at, r.endpoint, r.slot, r.n, t.since"
    " FROM t LEFT JOIN LATERAL (SELECT min(q.at) AS at, q.endpoint, q.slot,"
    " sum(q.n)::int8 AS n FROM rollups q WHERE q.span = $4::int8"
    " AND q.at >= t.since / 1000 AND q.at < (t.since + $3 * $2) / 1000"
    " GROUP BY (q.at * 1000 - t.since) / $2, q.endpoint, q.slot) r ON true"
    " ORDER BY 1, 2",

    /* NAMES */
    "SELECT name FROM endpoints ORDER BY name COLLATE \"C\"",

    NULL
};
