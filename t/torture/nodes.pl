#!/usr/bin/env perl
# nodes.pl: two nginx nodes behind a balancer, with one PostgreSQL for a store
# that has a synchronous standby, all under load; servers die and standbys take
# over, nodes die, are cut off from the database, stopped and reloaded, and the
# target fails in all ways; and then the accounting. Test::More's lines, and a
# table between them.
#
#   SECONDS_=60   how long            RATE=40   events a second
#   WORKERS=2     of each node        SEED=n    what happens when
#   SHOW=1        each thing that happens, when it does
#
# PostgreSQL runs with fsync=off. That is honest here: processes die, and the
# machine does not, so what they have written to files is there.

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use lib map { ("$_/lib", "$_/torture") }
        File::Basename::dirname(File::Basename::dirname(
            Cwd::abs_path(__FILE__)));

use Test::More;
use Time::HiRes qw(time sleep);

use Jamhook::Nginx;
use Jamhook::Pg;
use Load qw(pick shuffled);
use Wire;

my $patience = $Jamhook::Env::PATIENCE;
my $load = Load->new(rate => 40, workers => 2);

my $TIMEOUT = 1;            # jamhook_timeout, seconds
my $LEASE = $TIMEOUT + 5;


# what is to happen when: a list of [second, what, ...], from the seed alone

sub schedule {
    my $end = $load->{seconds};
    my @plan;

    srand $load->{seed};

    # to the servers, one after the other
    my $at = 2 + rand 2;
    my $first = 1;

    while ($at < $end) {
        my $what = $first ? 'die'
                 : pick(('die') x 3, 'freeze', 'standby', 'terminate');
        $first = 0;

        if ($what eq 'die') {
            push @plan, [$at, 'die', pick(qw(crash silent))];
            push @plan, [$at += 0.2 + rand 2, 'promote'];
            push @plan, [$at += 1 + rand 5, 'rejoin'];

        } elsif ($what eq 'terminate') {
            push @plan, [$at, 'terminate'];

        } else {
            push @plan, [$at, $what, 'freeze'];
            $at += rand() < 0.5 ? 0.3 + rand 3 : 6 + rand 6;
            push @plan, [$at, $what, 'thaw'];
        }

        $at += 3 + rand 8;
    }

    # to what lies between nodes and servers; the first time longer than a lease
    $at = 5 + rand 3;
    $first = 1;

    while ($at < $end) {
        my $node = int rand 2;
        my $how = $first ? 'cut' : pick(qw(cut cut deaf deaf reset));

        push @plan, [$at, 'wire', $node, $how];

        if ($how ne 'reset') {
            $at += $first || rand() < 0.5 ? $LEASE + 1 + rand 5 : 0.2 + rand 3;
            push @plan, [$at, 'wire', $node, 'heal'];
        }

        $first = 0;
        $at += 2 + rand 6;
    }

    # to the nodes
    my @first = shuffled(qw(kill kill_all reload));
    $at = 1;

    while (($at += 1.5 + rand 4) < $end) {
        my $what = @first ? shift @first
                 : pick(('kill') x 3, ('kill_all') x 3, ('reload') x 3,
                        qw(term quit));

        push @plan, [$at, $what, int rand 2, rand];
    }

    push @plan, $load->steps;

    return sort { $a->[0] <=> $b->[0] } @plan;
}


my @plan = schedule();

note "seed $load->{seed}, $load->{seconds} s, 2 nodes of $load->{workers}"
     . " workers, $load->{rate} events/s";

# the one that takes writes, and the one that stands by
my ($primary, $standby);
my @servers = ($primary = Jamhook::Pg->new);

$primary->createdb('jam');
push @servers, $standby = Jamhook::Pg->new(standby_of => $primary, sync => 1);

my @wires = map { Wire->new(to => [map { $_->port } @servers]) } 0, 1;

my @nodes = map { my $i = $_; $load->nginx(
    name => "node$i", timeout => "${TIMEOUT}s",
    store_line => 'jamhook_store postgresql://jamhook@'
                  . join(',', map { "127.0.0.1:$_" } $wires[$i]->ports)
                  . '/jam?target_session_attrs=read-write;') } 0, 1;

my $balancer = Jamhook::Nginx->new(
    name => 'balancer', no_module => 1, connections => 2048,
    one => $nodes[0]->port, two => $nodes[1]->port,
    http => q{
        log_format  way  '$msec $status $upstream_addr $upstream_status';
        access_log  logs/access.log way;

        upstream nodes {
            server  127.0.0.1:%{one} max_fails=1 fail_timeout=1s;
            server  127.0.0.1:%{two} max_fails=1 fail_timeout=1s;

            # when both have failed they are asked all the same
            server  127.0.0.1:%{one} max_fails=0 backup;
            server  127.0.0.1:%{two} max_fails=0 backup;
        }
    }, server => q{
        client_body_buffer_size  64k;

        location / {
            proxy_pass                 http://nodes;
            proxy_next_upstream        error timeout http_502 http_503 http_504
                                       non_idempotent;
            proxy_next_upstream_tries  2;
            proxy_connect_timeout      1s;
            proxy_read_timeout         2s;
        }
    });

$load->send_to($balancer->port);

# each holds pipes of those that were forked before it
END {
    my $status = $?;

    $_ && $_->stop for @wires;
    $? = $status;
}


# the run

my @waiting;            # [node, pids]: to be started when these are gone
my @outages;            # [when, what]: until an event is acknowledged again


sub up {
    my ($node) = @_;

    $load->start($node) unless grep { $_->[0] == $node } @waiting;
}


# those that were told to quit, and take their time
sub look {
    my @gone = grep { !grep { Jamhook::Env::is_running($_) } @{ $_->[1] } }
               @waiting;

    for my $gone (@gone) {
        @waiting = grep { $_ != $gone } @waiting;
        up($gone->[0]);
    }
}


sub number_of {
    my ($server) = @_;

    return $server == $servers[0] ? 0 : 1;
}


my %do = (
    $load->orders,

    # "silent": as a machine that is gone, no packet says so
    die => sub {
        my ($how) = @_;

        if ($how eq 'silent') {
            $_->tell('lost', number_of($primary)) for @wires;
        }

        push @outages, [time, "failover, $how"];
        $primary->kill9;
    },

    # what was the primary is gone for good, so nothing keeps us from it
    promote => sub {
        ($primary, $standby) = ($standby, $primary);
        $primary->promote;
    },

    # the old one, made anew of the new one
    rejoin => sub {
        $standby->{standby_of} = $primary;
        $standby->{followed} = 1;
        $standby->follow($primary);
        $standby->start;
        $standby->synchronous;
        $_->tell('found', number_of($standby)) for @wires;
    },

    freeze => sub { my ($what) = @_; $primary->$what },
    standby => sub { my ($what) = @_; $standby->$what },
    terminate => sub { $primary->terminate('jam') },

    wire => sub {
        my ($i, $how) = @_;

        $wires[$i]->tell($how);
    },

    kill => sub {
        my ($i, $which) = @_;

        $load->kill_worker($nodes[$i], $which);
    },

    kill_all => sub {
        my ($i, $rand) = @_;

        return if !$nodes[$i]->pid;

        $load->kill_all($nodes[$i]);
        sleep $rand * 0.5;
        up($nodes[$i]);
    },

    reload => sub {
        my ($i) = @_;

        $nodes[$i]->signal('HUP') if $nodes[$i]->pid;
    },

    term => sub {
        my ($i) = @_;

        return if !$nodes[$i]->pid;

        $load->term($nodes[$i]);
        up($nodes[$i]);
    },

    quit => sub {
        my ($i) = @_;

        my $node = $nodes[$i];
        my $pid = delete $node->{pid} or return;
        my @all = ($pid, Jamhook::Env::children($pid));

        # with an old worker among them that waits for its outcomes
        kill 'QUIT', $pid;
        push @waiting, [$node, \@all, time];
    },
);

$load->follow(\@plan, \%do, \&look);

# all is well again: the plan has let each end what it began, but the wires

$load->well;
$_->tell('heal') for @wires;

my $until = time + 40 * $patience;

while (@waiting && time < $until) {
    sleep 0.05;
    look();
}

push @{ $load->{trouble} }, 'QUIT did not end it' if @waiting;
up($_) for @nodes;


# what the one that takes writes has, by the tables' names as they are
sub rows {
    my ($sql) = @_;

    $primary->do('jam', 'set search_path to jamhook');

    return $primary->rows('jam', $sql);
}


$load->through;
$load->drains(sub { Jamhook::Env::wait_for(sub {
    !rows('select 1 from deliveries where state in (0, 1) limit 1')
}, 60 * $patience) });

for my $node (@nodes) {
    $node->ends_well(expected => ['~ exited on signal 9',
                     '~ \[crit\].* jamhook store .* does not work'],
                     seconds => 40 * $patience,
                     name => "$node->{name} ends well, and its log is clean");
}

$balancer->ends_well(name => 'the balancer does so too',
                     seconds => 15 * $patience);
$_->stop for @wires;
$load->stop;


# the accounting

my $account = $load->account(
    rows => \&rows, strict => 1,
    # 502, 504: of the balancer, that could not reach one
    refused => qr/^(?:503 unavailable|50[24]$)/);

# how long nobody was told "stored" or "duplicate"
my @acks = sort { $a <=> $b } map { $_->{acked} || () }
           values %{ $account->{events} };
my @gaps = sort { $b <=> $a } map { $acks[$_] - $acks[$_ - 1] } 1 .. $#acks;

my @away = map {
    my ($when, $what) = @$_;
    my ($next) = grep { $_ > $when + 0.05 } @acks;
    sprintf '%s %.1f s', $what, defined $next ? $next - $when : -1;
} @outages;

$account->notes(
    $load->happened,
    'until an event is acknowledged again: ' . join(', ', @away),
    'longest times without: ' . join(', ', map { sprintf '%.1f s', $_ }
                                     grep { defined } @gaps[0 .. 4]),
    $load->drained);

$account->checks;

# what is summed up with each transaction, though some were written twice

is_deeply [rows('select endpoint, slot / 256 as result, sum(n)::int as n'
                . ' from rollups where span = 0 group by 1, 2 order by 1, 2')],
          [rows('select endpoint, result, count(*)::int as n from attempts'
                . ' group by 1, 2 order by 1, 2')],
          'the sums are those of the log';

is_deeply [rows('select sum(succeeded)::int as n from tallies')],
          [{ n => $account->{states}{succeeded} }], '... and of the deliveries';

cmp_ok $account->{acked}, '>', $load->{seconds},
       'there was something to be tortured';

done_testing;


1;
