# make bench goes through; how fast things are is not judged here.

use strict;
use warnings;

use Test::More;

my $said = `t/bench/bench.pl --seconds 1 --rounds 0 --deliveries 50 2>&1`;

is $?, 0, 'bench.pl' or diag $said;
like $said, qr/^\| bare proxy_pass \| [\d.]+ us \| \d+ \|/m, 'the bare proxy';
like $said, qr/^\| jamhook \| [\d.]+ us \| \d+ \|/m, 'jamhook';
like $said, qr/^\| ratio \| [\d.]+ \|/m, 'their ratio';
like $said, qr/^\| idle worker with it \| [\d.]+ MiB \|/m, 'memory';

$said = `t/bench/durable.pl --quick --workers 1,2 2>&1`;

my $ms = qr/[\d.]+ ms/;

is $?, 0, 'durable.pl' or diag $said;

for my $n (1, 2) {
    like $said, qr/^\| $n \| jamhook \| [\d.]+ us \| .* us \| \d+ \| \d+ \|/m,
         "stored and delivered, workers: $n";
    like $said, qr/^\| $n \| ratio \| [\d.]+ \|/m, 'its ratio';
}

like $said, qr/^\| jamhook, store on disk \| answer \| $ms \| $ms \| $ms \|/m,
     'the answer at a rate';
like $said, qr/^\| jamhook, store on disk \| arrival \| $ms \| $ms \| $ms \|/m,
     'the arrival';
like $said, qr/^\| 2,000 finished events \| [\d.]+ us \| \d+ \| \d+ % \|/m,
     'a store that holds many';
like $said, qr/^\| 500 that are due, .* \| \d+ % \| -?[\d.]+ MiB \|/m,
     'one in which many wait';
is +(() = $said =~ /^One fdatasync/mg), 3, 'the disk by itself';

$said = `t/bench/portal.pl --quick --rounds 2 2>&1`;

my $judged = qr/(?:met|MISSED)/;

is $?, 0, 'portal.pl' or diag $said;
like $said, qr/^\| events \| \d+ (?:\| $ms ){6}\| 50 ms \| $judged \|/m,
     'a list, and its second page';
like $said, qr/^\| an event \| \d+ (?:\| $ms ){3}.*\| 50 ms \| $judged \|/m,
     "an event's page";
like $said, qr/^\| stats of 30d \| .*\| 200 ms \| $judged \|/m, 'stats';
like $said, qr/^\| metrics \| \d+ (?:\| $ms ){3}/m, 'metrics';
like $said, qr/^\| with calls (?:\| $ms ){3}\| [\d. ]+ \| $ms \|/m,
     'the answers to events meanwhile';
like $said, qr/^The p99 with calls is [\d.]+ times .* 2\.0: $judged\./m,
     'their ratio';

SKIP: {
    my $libs = `ldd build/ngx_http_jamhook_module.so 2>&1`;

    skip 'built without PostgreSQL', 6 if $libs !~ /libpq/;

    $said = `t/bench/nodes.pl --quick 2>&1`;

    my $us = qr/[\d.]+ us/;

    is $?, 0, 'nodes.pl' or diag $said;
    like $said, qr/^\| SQLite \| \d+ \| 1\.00 \| [\d.]+ us \| +\| $ms /m,
         'SQLite';

    for my $n (qw(one two)) {
        like $said, qr/^\| PostgreSQL, $n nodes? \| \d+ \| [\d.]+ \| $us \| $us /m,
             "PostgreSQL, nodes: $n";
    }

    like $said, qr/^\| one at a time \| \d+ \| [3-6]\.\d+ \| /m,
         'statements of an event alone';
    like $said, qr/^\| 32 connections \| \d+ \| [0-2]\.\d+ \| /m,
         '... and among others';
}

done_testing;
