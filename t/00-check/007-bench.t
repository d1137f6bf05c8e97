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

done_testing;
