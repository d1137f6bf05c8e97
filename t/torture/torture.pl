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
use Time::HiRes qw(sleep);

use Jamhook::Nginx;
use Jamhook::Store;
use Load qw(pick shuffled);

my $patience = $Jamhook::Env::PATIENCE;
my $faults = $ENV{FAULTS} || 'slow';
my $load = Load->new(rate => 80, workers => 4);


# what is to happen when: a list of [second, what, ...], from the seed alone

sub schedule {
    my $end = $load->{seconds};
    my @plan;

    srand $load->{seed};

    # to nginx; the first ones also in a short run
    my @first = shuffled(qw(kill kill_all reload));
    my $at = 0.5;

    while (($at += 1 + rand 2) < $end) {
        my $what = @first ? shift @first
                 : pick(('kill') x 5, ('kill_all') x 2, ('reload') x 3,
                        qw(term quit upgrade));

        push @plan, [$at, $what, rand];
    }

    push @plan, $load->steps;

    # to the disk
    $at = 1;

    while ($faults ne 'none' && ($at += 1 + rand 4) < $end) {
        my $hard = $faults eq 'hard' && rand() < 0.6;

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

note "seed $load->{seed}, $load->{seconds} s, $load->{workers} workers,"
     . " $load->{rate} events/s, faults: $faults";

my $nginx = $load->nginx(store => 1, faults => $faults ne 'none',
                         timeout => '500ms');
my $store = $nginx->store;

$load->send_to($nginx->port);


# the run

my @locks;              # processes

my %do = (
    $load->orders,

    kill => sub { $load->kill_worker($nginx, @_) },

    kill_all => sub {
        my ($rand) = @_;

        $load->kill_all($nginx);
        sleep $rand * 0.5;
        $load->start($nginx);
    },

    reload => sub { $nginx->signal('HUP') },

    term => sub {
        $load->term($nginx);
        $load->start($nginx);
    },

    quit => sub {
        $nginx->stop('QUIT', 15 * $patience)
            or push @{ $load->{trouble} }, 'QUIT did not end it';
        $load->start($nginx);
    },

    upgrade => sub {
        my $old = $nginx->pid;
        my $trouble = $load->{trouble};

        return push @$trouble, 'the upgrade did not come'
            unless $nginx->upgrade;

        Jamhook::Env::wait_for(sub { !Jamhook::Env::is_running($old) },
                               15 * $patience)
            or push @$trouble, 'the old master does not end';
    },

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

$load->follow(\@plan, \%do);

# all is well again

$load->well;
$nginx->faults->clear if $nginx->faults;
$load->start($nginx);

for (@locks) {
    waitpid $_, 0;
    $load->{did}{'lock in vain'}++ if $?;
}

$load->through;
$load->drains(sub { $store->idle(60 * $patience) })
    or diag explain $store->counts;

# a store that does not work is told of, where it is made so
my @expected = ('~ exited on signal 9', $faults eq 'hard'
                ? '~ \[crit\].* jamhook store .* does not work' : ());

$nginx->ends_well(expected => \@expected, seconds => 15 * $patience,
                  name => 'nginx ends well, and its log is clean');
$load->stop;


# the accounting

# workers that were killed by what the disk did
my @lines = $nginx->log;

for (@lines) {
    $load->{ended}{$1} ||= ['killed']
        if /worker process (\d+) exited on signal 9/;
}

my $account = $load->account(rows => sub { $store->rows(@_) });

$account->fault('crit', $_) for $faults eq 'hard' ? ()
                                : grep { /\[crit\]/ } @lines;

$account->notes($load->happened, $load->drained);
$account->checks;

is $store->check, 'ok', 'the database is whole';

cmp_ok $account->{acked}, '>', $load->{seconds},
       'there was something to be tortured';

done_testing;


1;
