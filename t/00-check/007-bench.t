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

done_testing;
