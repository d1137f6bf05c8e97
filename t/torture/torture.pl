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

use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Jamhook::Nginx;
use Jamhook::Store;
use Account;
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

# workers that were killed by what the disk did
my @lines = $nginx->log;

for (@lines) {
    $ended{$1} ||= ['killed']
        if /worker process (\d+) exited on signal 9/;
}

my $account = Account->new(
    endpoints => \@ENDPOINTS, events => $clients->events, ended => \%ended,
    log => "$dir/target.log",
    kept => [map { $_->{id} } $store->rows('select id from events')],
    attempts => [$store->rows(
        'select e.id, p.name as endpoint, a.number, a.result, a.error'
        . ' from attempts a join events e on e.seq = a.event'
        . ' join endpoints p on p.id = a.endpoint order by a.seq')]);

$account->counts($store->counts);

$account->fault('crit', $_) for $opt{faults} eq 'hard' ? ()
                                : grep { /\[crit\]/ } @lines;

$account->notes(
    'what happened: ' . join(', ', map { "$_ $did{$_}" } sort keys %did),
    sprintf('idle %.1f s after all was well', $drained));

$account->checks;

is $store->check, 'ok', 'the database is whole';

cmp_ok $account->{acked}, '>', $opt{seconds}, 'there was something to be tortured';

done_testing;


1;
