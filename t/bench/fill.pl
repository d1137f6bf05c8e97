#!/usr/bin/env perl
#
# fill.pl DIR N
#
# Makes a store of N events in DIR, which must not be there yet, as a month of
# them would leave it: for what is measured against a large one.
#
#   - 30 days up to now, evenly; bodies of about 400 bytes
#   - 70 % intercom.recorder.recorded; conversation ids mostly unique
#   - two endpoints: "fin" gets all of them, "audit" one in four
#   - of a thousand deliveries 20 failed, after three attempts each; one in
#     fifty of the others succeeded with its second; of the last 200 events
#     some are pending
#   - roll-ups and tallies as the module would have kept them
#
# The schema is the module's own, read from its source; the shell sqlite3 does
# the rest, a million events in about a minute.

use strict;
use warnings;

use File::Basename qw(dirname);

@ARGV == 2 && $ARGV[1] =~ /^[1-9][0-9]*$/
    or die "usage: $0 DIR N\n";

my ($dir, $n) = @ARGV;
my $top = dirname(__FILE__) . "/../..";

mkdir $dir, 0700 or die "$dir: $!\n";
umask 077;

my $now = time() * 1000;
my $month = 30 * 86_400_000;

open my $sql, "|-", "sqlite3", "-batch", "-bail", "$dir/jamhook.db"
    or die "sqlite3: $!\n";

print $sql ".output /dev/null\n",
           "PRAGMA journal_mode = WAL;\n",
           ".output stdout\n",
           "PRAGMA synchronous = OFF;\n",
           "PRAGMA cache_size = -200000;\n",
           "BEGIN;\n",
           map({ "$_;\n" } schema()),
           "PRAGMA user_version = 1;\n",
           slots(),
           data(),
           "COMMIT;\n",
           ".output /dev/null\n",
           "PRAGMA wal_checkpoint(TRUNCATE);\n";

close $sql or die "sqlite3 failed\n";

printf "%d events, %d bytes each, in %s\n", $n,
       (-s "$dir/jamhook.db") / $n, $dir;


# the statements of the C array, literals put together

sub schema
{
    my $file = "$top/src/store/ngx_http_jamhook_sqlite_schema.c";
    my (@statements, $text);

    open my $source, "<", $file or die "$file: $!\n";

    while (my $line = <$source>) {
        next unless $line =~ /^static const char .*version_1\[\]/
                    .. $line =~ /^\};/;

        $text .= join "", $line =~ /^\s*"(.*?)"(?=,?$|\s*$)/ ? $1 : "";

        if ($line =~ /",$/) {
            $text =~ s/\\n/\n/g;
            push @statements, $text;
            $text = "";
        }
    }

    die "$file: no schema found\n" unless @statements > 5;

    return @statements;
}


# ngx_http_jamhook_backend_slot_ms() of each

sub slots
{
    my @low = map { $_ < 8 ? $_ : (8 + $_ % 8) << (int($_ / 8) - 1) } 0 .. 151;

    return "CREATE TEMP TABLE slots (low INTEGER PRIMARY KEY, slot);\n",
           "INSERT INTO slots VALUES ",
           join(", ", map { "($low[$_], $_)" } 0 .. $#low), ";\n";
}


sub data
{
    my $events = "WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL"
                 . " SELECT i + 1 FROM i WHERE i < $n)";
    my $at = "$now - $month + i * $month / $n";
    my $url = "https://jam.dev/c/";
    my $body = "x" x 220;

    # request and response as nginx would keep them

    my $sent = '{"content-type":"application/json","user-agent":"jamhook",'
               . '"webhook-id":"msg_2b6hYzZtkqNfDEYpQw8Zx1",'
               . '"webhook-timestamp":"1757419200","webhook-signature":"****",'
               . '"idempotency-key":"5c1d2f6e-8f0a-5b3c-9d4e-7f6a5b4c3d2e"}';
    my $got = '{"content-type":"application/json","content-length":"24",'
              . '"x-request-id":"0003k5v2v3j6c1b0l8a0"}';
    my $received = '{"host":"hooks.example.com","content-type":'
                   . '"application/json","user-agent":"Jam/1.0",'
                   . '"webhook-id":"msg_2b6hYzZtkqNfDEYpQw8Zx1",'
                   . '"webhook-timestamp":"1757419200",'
                   . '"webhook-signature":"****","content-length":"400"}';

    return <<"    SQL";
INSERT INTO endpoints (id, name, seen_at)
VALUES (1, 'fin', $now), (2, 'audit', $now);

$events
INSERT INTO events (seq, received_at, id, source, event_id, type, created_at,
    conversation_id, jam_id, recording_url, key, headers, body)
SELECT i, $at, 'msg_' || hex(randomblob(11)), '/jam',
    'evt_' || hex(randomblob(11)),
    CASE WHEN i % 10 < 7 THEN 'intercom.recorder.recorded'
        WHEN i % 10 < 9 THEN 'recording_link.created' ELSE 'jam.created' END,
    strftime('%Y-%m-%dT%H:%M:%SZ', ($at) / 1000, 'unixepoch'),
    CASE WHEN i % 20 = 0 THEN CAST(2154000 + i % 1000 AS TEXT)
        ELSE CAST(215400000000 + i * 37 AS TEXT) END,
    hex(randomblob(16)), '$url' || hex(randomblob(16)), '7c1f0e9a5b3d2846',
    '$received',
    CAST('{"type":"intercom.recorder.recorded","data":{"jamId":"'
        || hex(randomblob(16)) || '","url":"$url' || hex(randomblob(16))
        || '","title":"$body","conversationId":"' || i || '"}}' AS BLOB)
FROM i;

INSERT INTO deliveries (event, endpoint, state, next_at, attempts, step,
    claimed_at, changed_at)
SELECT seq, endpoints.id,
    CASE WHEN seq > $n - 200 AND seq % 3 = 0 THEN 0
        WHEN (seq * 7919) % 1000 < 20 THEN 3 ELSE 2 END,
    CASE WHEN seq > $n - 200 AND seq % 3 = 0 THEN $now + 60000 ELSE 0 END,
    CASE WHEN seq > $n - 200 AND seq % 3 = 0 THEN 0
        WHEN (seq * 7919) % 1000 < 20 THEN 3
        WHEN seq % 50 = 0 THEN 2 ELSE 1 END,
    0, received_at, received_at + 500
FROM events JOIN endpoints ON endpoints.id = 1 OR seq % 4 = 0;

INSERT INTO attempts (event, endpoint, number, trigger, result, started_at,
    duration, status, truncated, request_headers, response_headers,
    request_body, response_body)
SELECT event, endpoint, number, 0,
    CASE WHEN state = 2 AND number = d.attempts THEN 0 ELSE 1 END,
    claimed_at + (number - 1) * 60000,
    CAST(30 * exp2.m * (1 + abs(random() % 1000) / 1000.0) AS INTEGER),
    CASE WHEN state = 2 AND number = d.attempts THEN 200 ELSE 503 END, 0,
    '$sent', '$got',
    CASE endpoint WHEN 1 THEN CAST('{"body":"$body$body"}' AS BLOB) END,
    CAST('{"status":"accepted"}' AS BLOB)
FROM deliveries d
    JOIN (SELECT 1 AS number UNION ALL SELECT 2 UNION ALL SELECT 3)
    JOIN (SELECT 0 AS k, 1 AS m UNION ALL SELECT 1, 2 UNION ALL SELECT 2, 4
        UNION ALL SELECT 3, 16) AS exp2 ON exp2.k = (event * 31) % 4
WHERE number <= d.attempts
ORDER BY claimed_at + (number - 1) * 60000;

CREATE TEMP TABLE counted AS
SELECT started_at / 1000 AS at, endpoint, result * 256
    + (SELECT slot FROM slots WHERE low <= duration ORDER BY low DESC LIMIT 1)
    AS slot
FROM attempts WHERE started_at <= $now;

INSERT INTO rollups (span, at, endpoint, slot, n)
SELECT 0, at - at % 60, endpoint, slot, count(*) FROM counted
WHERE at > $now / 1000 - 86400 GROUP BY 2, 3, 4;

INSERT INTO rollups (span, at, endpoint, slot, n)
SELECT 1, at - at % 3600, endpoint, slot, count(*) FROM counted
GROUP BY 2, 3, 4;

INSERT INTO tallies (endpoint, succeeded)
SELECT endpoint, count(*) FROM deliveries WHERE state = 2 GROUP BY endpoint;
    SQL
}
