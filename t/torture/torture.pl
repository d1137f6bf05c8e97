#!/usr/bin/env perl
# torture.pl: an nginx with a store under load, while its processes are killed,
# stopped and reloaded, its target fails in all ways, and its disk is slow; and
# then the accounting. Test::More's lines, and a table between them.
#
#   SECONDS_=60   how long            RATE=80   events a second
#   WORKERS=4     of nginx            SEED=n    what happens when
#   FAULTS=slow   "slow": a slow disk, and workers killed while they write;
#                 "hard": EIO, ENOSPC, EROFS, locks by others and a clock that
#                 is set as well; "none"
#   SHOW=1        each thing that happens, when it does

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use lib map { ("$_/lib", "$_/torture") }
        File::Basename::dirname(File::Basename::dirname(
            Cwd::abs_path(__FILE__)));

use Digest::SHA qw(sha1);
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Jamhook::Nginx;
use Jamhook::Store;
use Clients;
use Target;

my $patience = $Jamhook::Env::PATIENCE;

my %opt = (seconds => $ENV{SECONDS_} || 60, rate => $ENV{RATE} || 80,
           workers => $ENV{WORKERS} || 4, faults => $ENV{FAULTS} || 'slow',
           seed => length($ENV{SEED} || '') ? $ENV{SEED} : time % 1_000_000);

my @ENDPOINTS = qw(all fin);
my $start;


# what is to happen when: a list of [second, what, ...], from the seed alone

sub pick { return $_[rand @_] }


sub schedule {
    my $end = $opt{seconds};
    my @plan;

    srand $opt{seed};

    # to nginx; the first ones also in a short run
    my @first = sort { $a->[1] <=> $b->[1] }
                map { [$_, rand] } qw(kill kill_all reload);
    my $at = 0.5;

    while (($at += 1 + rand 2) < $end) {
        my $what = @first ? (shift @first)->[0]
                 : pick(('kill') x 5, ('kill_all') x 2, ('reload') x 3,
                        qw(term quit upgrade));

        push @plan, [$at, $what, rand];
    }

    # to the target's answers
    for my $path ('/all', '/fin') {
        $at = 0;

        while (($at += 0.3 + rand 2) < $end) {
            my $way = pick(('mixed') x 5, qw(500 503 hang close reset half slow));

            push @plan, [$at, 'way', $path, $way];
            $at += 0.3 + rand 1.5;
            push @plan, [$at, 'way', $path, '200'];
        }
    }

    $at = 0;

    while (($at += 3 + rand 6) < $end) {
        push @plan, [$at, 'down'];
        $at += 0.3 + rand 1.2;
        push @plan, [$at, 'up'];
    }

    # to the disk
    $at = 1;

    while ($opt{faults} ne 'none' && ($at += 1 + rand 4) < $end) {
        my $hard = $opt{faults} eq 'hard' && rand() < 0.6;

        if ($hard && rand() < 0.3) {
            push @plan, [$at, 'lock', 0.2 + rand 1];
            next;
        }

        # or a worker dies in the middle of what it writes
        push @plan, [$at, 'disk', $hard
            ? pick([sync => 'EIO'], [write => 'ENOSPC'], [write => 'EIO'],
                   [open => 'ENOSPC'], [open => 'EROFS'],
                   [write => 'ENOSPC skip=' . int rand 20],
                   [clock => int(rand 40_000) - 20_000])
            : pick([sync => 'ms=' . int(10 + rand 300)],
                   [pick(qw(write sync)) => 'KILL times=1 skip='
                                            . int rand 60])];
        $at += 0.3 + rand 1.2;
        push @plan, [$at, 'disk'];
    }

    return sort { $a->[0] <=> $b->[0] } @plan;
}


my @plan = schedule();

note "seed $opt{seed}, $opt{seconds} s, $opt{workers} workers, $opt{rate}"
     . " events/s, faults: $opt{faults}";

my $dir = Jamhook::Env::tmp();

my $target = Target->new(port => Jamhook::Env::free_port(),
                         log => "$dir/target.log", seed => $opt{seed});

my $nginx = Jamhook::Nginx->new(
    store => 1, faults => $opt{faults} ne 'none', workers => $opt{workers},
    connections => 1024, target => $target->{port},
    level => $ENV{LEVEL} || 'info',
    http => q{
        log_format  jam  '$msec $pid $status $jamhook_id $jamhook_result';
        access_log  logs/access.log jam;

        jamhook_retry          50ms 100ms 200ms 500ms } . '1s ' x 60 . q{;
        jamhook_timeout        500ms;
        jamhook_disable_after  off;
        jamhook_max_active     32;

        upstream kept {
            server     127.0.0.1:%{target};
            keepalive  16;
        }
    }, server => q{
        client_body_buffer_size  64k;

        location = /jam {
            jamhook_pass    all fin;
            jamhook_verify  keys/P1.key;
        }

        location = /all {
            jamhook_endpoint  all;
            jamhook_sign      keys/S1.key;
            proxy_set_header  X-Attempt $jamhook_attempt;
            proxy_set_header  X-Worker $pid;
            proxy_pass        http://127.0.0.1:%{target}/all;
        }

        location /fin {
            jamhook_endpoint    fin;
            jamhook_connector   intercom_fin;
            jamhook_sign        keys/S1.key;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_set_header    X-Attempt $jamhook_attempt;
            proxy_set_header    X-Worker $pid;
            proxy_pass          http://kept/fin;
        }
    });

my $store = $nginx->store;

my $clients = Clients->new(n => 4, slots => 8, rate => $opt{rate}, dir => $dir,
                           port => $nginx->port, uri => '/jam',
                           seed => $opt{seed});


# the run

my (%ended, %did);      # workers by pid: [how, when]; what happened how often
my @trouble;            # what should have gone well
my @locks;              # processes
my %do;


sub show {
    printf "# %7.3f  %s\n", time - $start, "@_" if $ENV{SHOW};
}


sub ended {
    my ($how, @pids) = @_;

    $ended{$_} = [$how, time] for @pids;
}


# without it nothing else can be
sub up {
    return if $nginx->pid;

    eval { $nginx->start; 1 } or push @trouble, $@;
    show('started');
}


%do = (
    kill => sub {
        my ($which) = @_;

        my @workers = $nginx->workers('all') or return;
        my $pid = $workers[$which * @workers];

        ended('killed', $pid);
        $nginx->signal('KILL', $pid);
        show("killed $pid");
    },

    kill_all => sub {
        my ($rand) = @_;

        ended('killed', $nginx->workers('all'), map { Jamhook::Env::children($_) }
                        @{ $nginx->{old} || [] });
        $nginx->kill_all;
        show('killed all');
        sleep $rand * 0.5;
        up();
    },

    reload => sub {
        $nginx->signal('HUP');
    },

    term => sub {
        ended('stopped', $nginx->workers('all'));
        $nginx->stop('TERM') or push @trouble, 'TERM did not end it';
        up();
    },

    quit => sub {
        $nginx->stop('QUIT', 15 * $patience)
            or push @trouble, 'QUIT did not end it';
        up();
    },

    upgrade => sub {
        my $old = $nginx->pid;

        return push @trouble, 'the upgrade did not come' unless $nginx->upgrade;

        Jamhook::Env::wait_for(sub { !Jamhook::Env::is_running($old) },
                               15 * $patience)
            or push @trouble, 'the old master does not end';
    },

    way => sub { $target->tell(@_) },
    down => sub { $target->tell('down') },
    up => sub { $target->tell('up') },

    disk => sub {
        my ($set) = @_;

        $nginx->faults->clear;
        $nginx->faults->set(@$set) if $set;
    },

    lock => sub {
        my ($seconds) = @_;

        # another program that writes, and takes its time
        my $pid = fork;
        die "fork: $!" unless defined $pid;

        if ($pid == 0) {
            my ($status) = $store->shell(['begin immediate',
                                          ".shell sleep $seconds", 'rollback'],
                                         write => 1);
            POSIX::_exit($status ? 1 : 0);
        }

        push @locks, $pid;
    },
);

$start = time;

for my $step (@plan) {
    my ($at, $what, @with) = @$step;

    my $left = $start + $at - time;
    sleep $left if $left > 0;

    show($what, map { ref $_ ? @$_ : $_ } @with);
    $did{$what}++;
    $do{$what}->(@with);
    last if @trouble;
}

# all is well again

$target->tell('up');
$target->tell($_, '200') for '/all', '/fin';
$nginx->faults->clear if $nginx->faults;
up();

for (@locks) {
    waitpid $_, 0;
    $did{'lock in vain'}++ if $?;
}

$clients->pause;
show('all is well');

is_deeply \@trouble, [], 'nginx starts and ends whenever it is told to';
ok $clients->wait(60 * $patience), 'all senders get through in the end';

my $healthy = time;
my $idle = $store->idle(60 * $patience);
my $drained = time - $healthy;

ok $idle, 'no delivery stays pending or sending'
    or diag explain $store->counts;

# a store that does not work is told of, where it is made so
my @expected = ('~ exited on signal 9', $opt{faults} eq 'hard'
                ? '~ \[crit\].* jamhook store .* does not work' : ());

$nginx->ends_well(expected => \@expected, seconds => 15 * $patience,
                  name => 'nginx ends well, and its log is clean');
$clients->stop;
$target->stop;


# the accounting

my $events = $clients->events;
my (%count, %fault);        # of an endpoint: { name => n }; name => [lines]

sub fault {
    my ($name, @line) = @_;

    push @{ $fault{$name} }, join ' ', map { defined $_ ? $_ : '-' } @line;
}


sub percentile {
    my ($p, @values) = @_;

    return 0 unless @values;
    @values = sort { $a <=> $b } @values;

    return 1000 * $values[$p * $#values];
}


# RFC 9562, version 5, in the URL namespace
sub key {
    my ($id, $endpoint) = @_;

    my $namespace = pack 'H*', '6ba7b8119dad11d180b400c04fd430c8';
    my @b = unpack 'C16', sha1($namespace . "jamhook:$id/$endpoint");

    $b[6] = $b[6] & 0x0f | 0x50;
    $b[8] = $b[8] & 0x3f | 0x80;

    return join '-', unpack 'a8 a4 a4 a4 a12', unpack 'H32', pack 'C16', @b;
}


# what the target saw: endpoint => id => [requests]
my %seen;

open my $log, '<', "$dir/target.log" or die $!;

while (<$log>) {
    chomp;

    my %r;
    @r{qw(path id attempt worker key sign digest from to way how)} = split /\t/;

    my ($endpoint) = $r{path} =~ m{^/(\w+)};
    my $e = $events->{$r{id}};

    $count{$endpoint}{requests}++;

    if (!$e) {
        fault('unknown', $_);
        next;
    }

    push @{ $seen{$endpoint}{$r{id}} }, \%r;

    next if $r{digest} eq '-';

    my $path = $endpoint eq 'fin' ? "/fin/$e->{conversation}" : '/all';

    fault('bytes', $_) if $r{digest} ne $e->{$endpoint} || $r{path} ne $path;
    fault('signature', $_) if $r{sign} ne 'ok';
    fault('key', $_) if $r{key} ne key($r{id}, $endpoint);
}

# what the store says
my (%row, %succeeded, %kept);

$kept{$_->{id}} = 1 for $store->rows('select id from events');

for my $row ($store->rows(
    'select e.id, p.name as endpoint, a.number, a.result, a.error,'
    . ' a.status, a.started_at, a.duration from attempts a'
    . ' join events e on e.seq = a.event join endpoints p on p.id = a.endpoint'
    . ' order by a.seq'))
{
    $row->{result} = $Jamhook::Store::RESULTS[$row->{result}];
    $count{$row->{endpoint}}{"attempts $row->{result}"}++;

    my $numbers = $row{$row->{endpoint}}{$row->{id}} ||= {};

    # two records: of whoever found its lease over, and then of its end
    $row->{lease_over} = 1 if $numbers->{$row->{number}};
    $numbers->{$row->{number}} = $row;

    $succeeded{$row->{endpoint}}{$row->{id}}++
        if $row->{result} eq 'succeeded' && !$row->{lease_over};
}


# and of the workers that were killed by what the disk did
my @lines = $nginx->log;

for (@lines) {
    $ended{$1} ||= ['killed']
        if /worker process (\d+) exited on signal 9/;
}


# why there was one more after a request that was answered 2xx
sub reason {
    my ($endpoint, $r) = @_;

    my $row = $row{$endpoint}{$r->{id}}{$r->{attempt}};
    my ($how, $when) = @{ $ended{$r->{worker}} || [] };

    # it died before the outcome was on disk
    return "worker $how" if $how && (!$row || $row->{result} eq 'interrupted')
                            && (!defined $when || ($when > $r->{from} - 0.05
                                                   && $when < $r->{to} + 3));
    return 'unexplained' unless $row;
    return 'lease over' if $row->{lease_over};
    return 'late answer' if ($row->{error} || '') eq 'timeout';
    return 'interrupted' if $row->{result} eq 'interrupted';
    return 'unexplained';
}


for my $endpoint (@ENDPOINTS) {
    my $c = $count{$endpoint} ||= {};

    for my $id (sort keys %$events) {
        my $e = $events->{$id};
        my @all = sort { $a->{from} <=> $b->{from} }
                  @{ $seen{$endpoint}{$id} || [] };
        my @good = grep { $_->{how} =~ /^2/ } @all;
        my %numbers;

        fault('number', $endpoint, $id, $_->{attempt})
            for grep { $numbers{$_->{attempt}}++ } @all;

        if (@good) {
            $c->{delivered}++;
            push @{ $c->{took} }, $good[0]{to} - $e->{acked}
                if defined $e->{acked} && $e->{acked} < $good[0]{to};

        } elsif (defined $e->{acked}) {
            fault('lost', $endpoint, $id, "acknowledged at $e->{acked}");
        }

        for my $r (@good[0 .. $#good - 1]) {
            my $reason = reason($endpoint, $r);

            $c->{duplicates}++;
            $c->{"duplicates: $reason"}++;
            fault('duplicate', $endpoint, map { "$_=$r->{$_}" } sort keys %$r)
                if $reason eq 'unexplained';
        }

        for my $i (1 .. $#all) {
            my ($one, $two) = @all[$i - 1, $i];
            my $common = $one->{to} - $two->{from};

            next if $common <= 0;

            # a process that is killed lets go of one thing after the other
            if ($ended{$one->{worker}} && $common < 0.5) {
                $c->{'overlap: killed'}++;
                next;
            }

            fault('overlap', $endpoint, $id, sprintf('%.6f s', $common),
                  map { "[$_->{attempt} $_->{worker} $_->{from} $_->{to}"
                        . " $_->{how}]" } $one, $two);
        }

        for my $r (@all) {
            fault('record', $endpoint, map { "$_=$r->{$_}" } sort keys %$r)
                unless $row{$endpoint}{$id}{$r->{attempt}};
        }

        my $succeeded = $succeeded{$endpoint}{$id} || 0;

        fault('succeeded', $endpoint, $id, $succeeded, 'times')
            if $succeeded > 1 || (!$succeeded && @good && defined $e->{acked});

        for my $n (keys %{ $row{$endpoint}{$id} || {} }) {
            next if $row{$endpoint}{$id}{$n}{result} ne 'succeeded';
            fault('invented', $endpoint, $id, $n)
                unless grep { $_->{attempt} == $n } @good;
        }
    }
}

my (%answers, $sent, $acked, $tries, @took);

for my $e (values %$events) {
    $sent++;
    $tries += $e->{tries};
    $answers{$_} += $e->{answers}{$_} for keys %{ $e->{answers} };
    push @took, @{ $e->{took} };

    next unless defined $e->{acked};

    $acked++;
    fault('not kept', $e->{id}) unless $kept{$e->{id}};
}

fault('refused', "$_: $answers{$_}")
    for grep { /^[345]/ && !/^503 unavailable/ } sort keys %answers;

my $counts = $store->counts;

fault('gave up', "$counts->{failed} deliveries") if $counts->{failed};
fault('stuck', map { "$_: $counts->{$_}" } qw(pending sending))
    if $counts->{pending} || $counts->{sending};
fault('crit', $_) for $opt{faults} eq 'hard' ? ()
                      : grep { /\[crit\]/ } @lines;

note '';
note sprintf '%d events sent in %d tries, %d acknowledged', $sent, $tries, $acked;
note 'answers: ' . join ', ', map { "$_: $answers{$_}" }
                   sort { $answers{$b} <=> $answers{$a} } keys %answers;
note 'acknowledged after: ' . join ', ', map {
    sprintf "p%d %.1f ms", 100 * $_, percentile($_, @took) } 0.5, 0.99, 1;
note 'what happened: ' . join ', ', map { "$_ $did{$_}" } sort keys %did;
note sprintf 'idle %.1f s after all was well', $drained;
note '';
note sprintf '%-31s %9s %9s', 'to', @ENDPOINTS;

my %names = map { map { $_ => 1 } grep { !/^took/ } keys %$_ } values %count;

for my $name (sort keys %names) {
    note sprintf '%-31s %9d %9d', $name,
                 map { $count{$_}{$name} || 0 } @ENDPOINTS;
}

for my $p (0.5, 0.99, 1) {
    note sprintf '%-31s %9.0f %9.0f', '2xx after it was kept, ms, p' . 100 * $p,
                 map { percentile($p, @{ $count{$_}{took} || [] }) } @ENDPOINTS;
}

note '';
note join ', ', map { sprintf '%s %d', $_->[0],
                      scalar @{ $fault{$_->[1]} || [] } }
     ['lost', 'lost'], ['wrong bytes', 'bytes'],
     ['under way twice at once', 'overlap'],
     ['duplicates without a reason', 'duplicate'], ['stuck', 'stuck'],
     ['given up', 'gave up'];
note '';

for (
    ['lost', 'no event that was acknowledged is lost'],
    ['not kept', 'the store has all of them'],
    ['bytes', 'the target got the right bytes at the right place'],
    ['signature', 'each attempt is signed, anew'],
    ['key', 'Idempotency-Key is the same at each try'],
    ['unknown', 'nothing was made up'],
    ['overlap', 'a delivery was never under way twice at once'],
    ['duplicate', 'what came twice has a reason'],
    ['number', 'no attempt has the number of another'],
    ['record', 'each attempt is in the log of attempts'],
    ['succeeded', 'it tells of one success for each delivery'],
    ['invented', '... that the target knows of'],
    ['stuck', 'nothing is stuck'],
    ['gave up', 'nothing was given up'],
    ['refused', 'no sender was refused'],
    ['crit', 'no trouble that nobody made'],
) {
    my ($name, $title) = @$_;
    my @lines = @{ $fault{$name} || [] };

    ok !@lines, $title or diag scalar(@lines) . ":\n", map { "  $_\n" }
                          @lines > 10 ? @lines[0 .. 9] : @lines;
}

is $store->check, 'ok', 'the database is whole';

cmp_ok $acked, '>', $opt{seconds}, 'there was something to be tortured';

done_testing;


1;
