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
use Account;
use Clients;
use Target;
use Wire;

my $patience = $Jamhook::Env::PATIENCE;

my %opt = (seconds => $ENV{SECONDS_} || 60, rate => $ENV{RATE} || 40,
           workers => $ENV{WORKERS} || 2,
           seed => length($ENV{SEED} || '') ? $ENV{SEED} : time % 1_000_000);

my @ENDPOINTS = qw(all fin);
my $TIMEOUT = 1;            # jamhook_timeout, seconds
my $LEASE = $TIMEOUT + 5;
my $start;


# what is to happen when: a list of [second, what, ...], from the seed alone

sub pick { return $_[rand @_] }


sub schedule {
    my $end = $opt{seconds};
    my @plan;

    srand $opt{seed};

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
    my @first = sort { $a->[1] <=> $b->[1] }
                map { [$_, rand] } qw(kill kill_all reload);
    $at = 1;

    while (($at += 1.5 + rand 4) < $end) {
        my $what = @first ? (shift @first)->[0]
                 : pick(('kill') x 3, ('kill_all') x 3, ('reload') x 3,
                        qw(term quit));

        push @plan, [$at, $what, int rand 2, rand];
    }

    # to the target's answers
    for my $path ('/all', '/fin') {
        $at = 0;

        while (($at += 0.3 + rand 2) < $end) {
            my $way = pick(('mixed') x 5,
                           qw(500 503 hang close reset half slow));

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

    return sort { $a->[0] <=> $b->[0] } @plan;
}


my @plan = schedule();

note "seed $opt{seed}, $opt{seconds} s, 2 nodes of $opt{workers} workers,"
     . " $opt{rate} events/s";

my $dir = Jamhook::Env::tmp();

my $target = Target->new(port => Jamhook::Env::free_port(),
                         log => "$dir/target.log", seed => $opt{seed});

# the one that takes writes, and the one that stands by
my ($primary, $standby);
my @servers = ($primary = Jamhook::Pg->new);

$primary->createdb('jam');
push @servers, $standby = Jamhook::Pg->new(standby_of => $primary, sync => 1);

my @wires = map { Wire->new(to => [map { $_->port } @servers]) } 0, 1;

my @nodes = map { my $i = $_; Jamhook::Nginx->new(
    name => "node$i", workers => $opt{workers}, connections => 1024,
    target => $target->{port}, level => $ENV{LEVEL} || 'info',
    timeout => $TIMEOUT,
    uri => 'postgresql://jamhook@'
           . join(',', map { "127.0.0.1:$_" } $wires[$i]->ports)
           . '/jam?target_session_attrs=read-write',
    http => q{
        log_format  jam  '$msec $pid $status $jamhook_id $jamhook_result';
        access_log  logs/access.log jam;

        jamhook_store          %{uri};
        jamhook_retry          50ms 100ms 200ms 500ms } . '1s ' x 60 . q{;
        jamhook_timeout        %{timeout}s;
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
    }) } 0, 1;

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

my $clients = Clients->new(n => 4, slots => 8, rate => $opt{rate}, dir => $dir,
                           port => $balancer->port, uri => '/jam',
                           seed => $opt{seed});

# each holds pipes of those that were forked before it
END {
    my $status = $?;

    $_ && $_->stop for $clients, @wires;
    $? = $status;
}


# the run

my (%ended, %did);      # workers by pid: [how, when]; what happened how often
my @trouble;            # what should have gone well
my @waiting;            # [node, pids]: to be started when these are gone
my @outages;            # [when, what]: until an event is acknowledged again
my %do;


sub show {
    printf "# %7.3f  %s\n", time - $start, "@_" if $ENV{SHOW};
}


sub ended {
    my ($how, @pids) = @_;

    $ended{$_} = [$how, time] for @pids;
}


sub up {
    my ($node) = @_;

    return if $node->pid || grep { $_->[0] == $node } @waiting;

    eval { $node->start; 1 } or push @trouble, $@;
    show('started', $node->{name});
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


sub until_time {
    my ($until) = @_;

    while ((my $left = $until - time) > 0) {
        sleep $left < 0.05 ? $left : 0.05;
        look();
    }
}


sub number_of {
    my ($server) = @_;

    return $server == $servers[0] ? 0 : 1;
}


%do = (

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

        my @workers = $nodes[$i]->pid ? $nodes[$i]->workers('all') : ();
        my $pid = $workers[$which * @workers] or return;

        ended('killed', $pid);
        $nodes[$i]->signal('KILL', $pid);
        show("killed $pid");
    },

    kill_all => sub {
        my ($i, $rand) = @_;

        my $node = $nodes[$i];

        return if !$node->pid;

        ended('killed', $node->workers('all'));
        $node->kill_all;
        sleep $rand * 0.5;
        up($node);
    },

    reload => sub {
        my ($i) = @_;

        $nodes[$i]->signal('HUP') if $nodes[$i]->pid;
    },

    term => sub {
        my ($i) = @_;

        return if !$nodes[$i]->pid;

        ended('stopped', $nodes[$i]->workers('all'));
        $nodes[$i]->stop('TERM', 15 * $patience)
            or push @trouble, 'TERM did not end it';
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

    way => sub { $target->tell(@_) },
    down => sub { $target->tell('down') },
    up => sub { $target->tell('up') },
);

$start = time;

for my $step (@plan) {
    my ($at, $what, @with) = @$step;

    until_time($start + $at);

    show($what, @with);
    $did{join ' ', $what, grep { !/^\d*\.\d/ && $_ ne '0' && $_ ne '1'
                                 && $what ne 'way' } @with}++;
    $do{$what}->(@with);
    last if @trouble;
}

# all is well again: the plan has let each end what it began, but the wires

$target->tell('up');
$target->tell($_, '200') for '/all', '/fin';
$_->tell('heal') for @wires;

my $until = time + 40 * $patience;

while (@waiting && time < $until) {
    sleep 0.05;
    look();
}

push @trouble, 'QUIT did not end it' if @waiting;
up($_) for @nodes;
$clients->pause;
show('all is well');

is_deeply \@trouble, [], 'nginx starts and ends whenever it is told to';
ok $clients->wait(60 * $patience), 'all senders get through in the end';

my $healthy = time;

my $idle = Jamhook::Env::wait_for(sub {
    !$primary->value('jam', 'select count(*) from jamhook.deliveries'
                            . ' where state in (0, 1)') }, 60 * $patience);
my $drained = time - $healthy;

ok $idle, 'no delivery stays pending or sending';

for my $node (@nodes) {
    $node->ends_well(expected => ['~ exited on signal 9',
                     '~ \[crit\].* jamhook store .* does not work'],
                     seconds => 40 * $patience,
                     name => "$node->{name} ends well, and its log is clean");
}

$balancer->ends_well(name => 'the balancer does so too',
                     seconds => 15 * $patience);
$clients->stop;
$_->stop for @wires;
$target->stop;


# the accounting

my @STATES = qw(pending sending succeeded failed);
my %counts = map { $STATES[$_->{state}] => $_->{n} }
    $primary->rows('jam', 'select state, count(*) as n from jamhook.deliveries'
                          . ' group by state');

my $account = Account->new(
    endpoints => \@ENDPOINTS, events => $clients->events, ended => \%ended,
    log => "$dir/target.log", strict => 1,
    # 502, 504: of the balancer, that could not reach one
    refused => qr/^(?:503 unavailable|50[24]$)/,
    kept => [map { $_->{id} }
             $primary->rows('jam', 'select id from jamhook.events')],
    attempts => [$primary->rows('jam',
        'select e.id, p.name as endpoint, a.number, a.result, a.error'
        . ' from jamhook.attempts a join jamhook.events e on e.seq = a.event'
        . ' join jamhook.endpoints p on p.id = a.endpoint order by a.seq')]);

$account->counts(\%counts);

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
    'what happened: ' . join(', ', map { "$_ $did{$_}" } sort keys %did),
    'until an event is acknowledged again: ' . join(', ', @away),
    'longest times without: ' . join(', ', map { sprintf '%.1f s', $_ }
                                     grep { defined } @gaps[0 .. 4]),
    sprintf('idle %.1f s after all was well', $drained));

$account->checks;

# what is summed up with each transaction, though some were written twice

is_deeply [$primary->rows('jam',
    'select endpoint, slot / 256 as result, sum(n)::int as n'
    . ' from jamhook.rollups where span = 0 group by 1, 2 order by 1, 2')],
    [$primary->rows('jam', 'select endpoint, result, count(*)::int as n'
    . ' from jamhook.attempts group by 1, 2 order by 1, 2')],
    'the sums are those of the log';

is $primary->value('jam', 'select sum(succeeded) from jamhook.tallies'),
   $counts{succeeded}, '... and of the deliveries';

cmp_ok $account->{acked}, '>', $opt{seconds},
       'there was something to be tortured';

done_testing;


1;
