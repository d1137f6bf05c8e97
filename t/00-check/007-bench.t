# make bench goes through; how fast things are is not judged here.

use strict;
use warnings;

use Test::More;

# what it is measured against, and the one report; the other parts one by one

SKIP: {
    my $said = `t/tools/rivals.sh 2>&1`;

    skip "no rivals: $said", 1 if $?;

    my $out = 'build/t/00-check-007-bench';

    $said = `t/bench/report.pl --quick --part rivals --out $out 2>&1`;

    is $?, 0, 'report.pl' or diag $said;
    like $said, qr{^the report: \Q$out\E/report\.md$}m, 'says where it is';

    my $report = slurp("$out/report.md");

    like $report, qr/^# jamhook, measured\n/, 'a report';
    like $report, qr/make bench QUICK=1/, 'says how to repeat it';
    unlike $report, qr/ \| unknown \|$/m, 'and what it was measured with'
        or diag $report =~ /(^# .*?)^## /ms;
    like $report, qr/^\| \Q$_\E \| (?:\d+:)?\d+\.\d+\S* \|$/m, "${_}'s version"
        for 'nginx', 'lua-nginx-module', 'LuaJIT', 'njs', 'Node', 'fastify',
            'undici', 'OpenSSL';
    like $report, qr/^Each passed the same ([3-9]\d) requests first/m,
         'all did the same work';

    my %row;
    my $ms = qr/[\d.]+ ms/;
    my $cpu = qr/([\d.]+) us \| ([\d.]+) \| [\d.]+/;
    my $busy = qr/(\d+) \| (\d+) %/;

    for my $name ('bare `proxy_pass`', 'jamhook', 'jamhook, SQLite',
                  'lua-nginx', 'njs', 'Node, fastify and undici')
    {
        ok $report =~ /^\| \Q$name\E \| $cpu \| $busy \| $ms \| $ms \|$/m,
           "$name: CPU and rate" or next;
        $row{$name} = [$1, $2, $3, $4];

        # of a core; no process does an event in a microsecond
        ok $1 > 1 && $1 < 5000 && $2 > 0.1 && $3 > 100 && $4 > 5 && $4 < 400,
           '... that can be' or diag "@{ $row{$name} }";

        ok $report =~ /^\| \Q$name\E ((?:\| [\d.]+ ms ){4})\|$/m,
           '... latency at a rate';

        my @p = ($1 || '') =~ /([\d.]+)/g;
        is_deeply \@p, [sort { $a <=> $b } @p], '... whose percentiles rise';

        ok $report =~ /^\| \Q$name\E \| ([\d.]+) MiB \| ([\d.]+) MiB \|$/m
           && $1 >= $2 && $2 > 1, '... memory';
    }

    is $row{'bare `proxy_pass`'}[1], '1.00', 'the floor is its own floor';
    is +(() = $report =~ /^\| CPU .* \| (?:met|MISSED) \|$/mg), 5,
       'what became of the goals';

    for my $plot (qw(cpu rate latency)) {
        like $report, qr/^!\[$plot\]\($plot\.svg\)$/m, "a plot: $plot";
        like slurp("$out/$plot.svg"), qr{^<svg .*njs.*</svg>\s*\z}ms,
             '... is there';
    }

    # one that takes what is forged is not measured

    my $source = "$out/source";

    mkdir $source;
    system('cp', (glob 't/bench/rivals/*.*'), $source) == 0 or die 'cp';

    my $lua = slurp("$source/relay.lua");
    is $lua =~ s/C\.CRYPTO_memcmp\(mac, given, 32\) == 0/true/, 1,
       'a rival that compares nothing';

    open my $fh, '>', "$source/relay.lua" or die $!;
    print $fh $lua;
    close $fh or die $!;

    $said = `t/bench/rivals.pl --quick --only lua --source $source \\
             --plots $out 2>&1`;

    isnt $?, 0, '... fails the run';
    like $said, qr/^lua-nginx does not do the same work:$/m, '... says so';
    like $said, qr/^  another key: answers 200 delivered, not 401 /m,
         '... and why';
    unlike $said, qr/us \|/, '... before anything is measured';
}

sub slurp {
    my ($file) = @_;

    local $/;
    open my $fh, '<', $file or return '';
    return scalar <$fh>;
}

my $said = `t/bench/bench.pl --seconds 1 --rounds 0 --deliveries 50 2>&1`;

is $?, 0, 'bench.pl' or diag $said;
like $said, qr/^\| bare proxy_pass \| [\d.]+ us \| \d+ \|/m, 'the bare proxy';
like $said, qr/^\| jamhook \| [\d.]+ us \| \d+ \|/m, 'jamhook';
like $said, qr/^\| ratio \| [\d.]+ \|/m, 'their ratio';
like $said, qr/^\| idle worker with it \| [\d.]+ MiB \|/m, 'memory';

$said = `t/bench/idle.pl --quick 2>&1`;

is $?, 0, 'idle.pl' or diag $said;
like $said, qr/^\| without the module \| [\d,]+ \| 1\.000 \| 0 \| [\d.]+ us \| /m,
     'nginx alone';

# what does not depend on this machine is judged

for my $kind (qw(loaded configured)) {
    my ($all, $ratio, $own) =
        $said =~ /^\| $kind \| ([\d,]+) \| ([\d.]+) \| (\d+) \| /m;

    # the sum depends on where memory lies, too
    cmp_ok $ratio, '<', 1.03, "a request to others costs nothing: $kind"
        or diag $said;
    cmp_ok $own, '<', 0.01 * ($all =~ tr/,//dr), '... of ours hardly any'
        or diag $said;
    cmp_ok $own, '>', 0, '... which is seen';
    like $said, qr/^\| $kind (?:\| [\d.]+ MiB ){4}\| \d+ \| \d+ \| [\d.]+ \| /m,
         '... memory';
}

like $said, qr/^\| loaded (?:\| [\d.]+ MiB ){4}\| 1 \| \d+ \| 0\.[0-4] \| /m,
     'no thread and no wake-up for a module that nobody uses';

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
