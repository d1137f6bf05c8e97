#!/usr/bin/env perl
# nodes.pl [--seconds 2] [--rounds 5] [--connections 32] [--standby] [--quick]
#
# Measures events that are stored before they are answered, and delivered, with
# SQLite and with PostgreSQL, in one run on one machine: an nginx with SQLite, an
# nginx with PostgreSQL, and two nginx that share that database, all of one
# worker each. With --standby also with a synchronous standby of it.
#
# The server does what it does by default (fsync is on, full_page_writes too),
# its data lie beside the SQLite store. All of it, the sender and the target
# included, has the same few processors: where they are used up, the events per
# second say what all of it costs, and the CPU of nginx and of the server what
# each does. Rounds of all in turn, as many as go through; CPU until the last
# event of a round is delivered and that is written down.
#
# Statements are counted by the server, by pg_stat_statements, in a round of their
# own that is not timed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use File::Path qw(remove_tree);
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Pg;
use Jamhook::Store;
use Time::HiRes qw(time sleep);

my %opt = (seconds => 2, rounds => 5, connections => 32);
my @args = @ARGV;
my @spec = ('seconds=f', 'rounds=i', 'connections=i', 'standby', 'quick');

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(seconds rounds)} = (0.5, 1);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

my $tmp = Jamhook::Env::tmp();
my $made = "$tmp/store";

# killed, it stops its servers all the same
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

END {
    my $status = $?;
    remove_tree($made);
    $? = $status;
}

my $sink = Bench::sink();

my $serial = 0;


sub node {
    my ($store) = @_;

    return Jamhook::Nginx->new(name => 'node-' . ++$serial,
        connections => 16384, level => 'warn', target => $sink->port,
        dead => Jamhook::Env::refused_port(), max_active => 64,
        http => Bench::relay_http($store), server => Bench::relay_server());
}


sub pgsql {
    my (%with) = @_;

    my $pg = Jamhook::Pg->new(durable => 1, conf => join "\n",
        'shared_buffers = 128MB', 'max_wal_size = 4GB',
        $with{count} ? ("shared_preload_libraries = 'pg_stat_statements'") : (),
        '');

    my $standby = Jamhook::Pg->new(standby_of => $pg, sync => 1, durable => 1)
        if $with{standby};

    local $Jamhook::Store::PGSQL = 1;
    my $store = Jamhook::Store->new(undef, server => $pg);

    return { pg => $pg, standby => $standby, store => $store };
}


# the server's processes
sub family {
    my ($pg) = @_;

    my @all;

    for my $server (grep { defined } @$pg{qw(pg standby)}) {
        my $pid = $server->pid;

        push @all, $pid, split ' ',
             Jamhook::Env::slurp("/proc/$pid/task/$pid/children");
    }

    return @all;
}


sub server_cpu {
    my ($pg) = @_;

    my $sum = 0;
    $sum += $_ for Bench::cpu_of(family($pg));

    return $sum;
}


sub drained {
    my ($store) = @_;

    my $until = time + 60;

    while ($store->value('select (exists (select 1 from deliveries'
                         . ' where state = 1)) or (exists (select 1 from'
                         . ' deliveries where state = 0)) as n'))
    {
        die "not all is delivered" if time > $until;
        sleep 0.005;
    }
}


sub saturate {
    my ($what, $path) = @_;

    my @nodes = @{ $what->{nodes} };
    my @workers = map { $_->workers } @nodes;
    my @before = Bench::cpu_of(@workers);
    my $server = $what->{pg} ? server_cpu($what->{pg}) : 0;
    my $began = time;

    my @sending = map {
        Bench::start_load($_->port, $path, $opt{connections} / @nodes,
                          $opt{seconds}, 0)
    } @nodes;

    my @got = map { Bench::end_load($_) } @sending;
    my $answered = time;

    drained($what->{store}) if $path eq '/jam';

    my $seconds = time - $began;
    my @cpu = Bench::cpu_of(@workers);
    my ($sent, $us) = (0, 0);

    $sent += $_->{sent} for @got;
    $us = $_->{us} > $us ? $_->{us} : $us for @got;
    $server = server_cpu($what->{pg}) - $server if $what->{pg};

    $seconds = $us / 1e6 + time - $answered if $path eq '/bare';

    return { sent => $sent, cpu => ($cpu[0] - $before[0] + $cpu[1] - $before[1])
                                   / $sent * 1e6,
             server => $server / $sent * 1e6, rate => $sent / $seconds,
             map { my $key = $_;
                   $key => (sort { $b <=> $a } map { $_->{$key} / 1000 } @got)[0]
             } qw(p50 p99) };
}


sub compare {
    my $sqlite = Jamhook::Store->new($made, params => 'max_size=100g');
    my $pg = pgsql();
    my @standby = $opt{standby} ? (pgsql(standby => 1)) : ();

    my @what = (
        ['SQLite', { store => $sqlite, nodes => [node($sqlite)] }],
        ['PostgreSQL, one node',
         { pg => $pg, store => $pg->{store}, nodes => [node($pg->{store})] }],
    );

    push @what, ['PostgreSQL, two nodes',
                 { pg => $pg, store => $pg->{store},
                   nodes => [$what[1][1]{nodes}[0], node($pg->{store})] }];

    push @what, map {
        ['with a synchronous standby, two nodes',
         { pg => $_, store => $_->{store},
           nodes => [node($_->{store}), node($_->{store})] }]
    } @standby;

    for my $one (@what) {
        my $store = $one->[1]{store};

        Jamhook::Env::wait_for(sub {
            eval { defined $store->value('select min(id) from endpoints') }
        }) or die "no store";
    }

    my %got;

    for my $i (0 .. $opt{rounds}) {
        my $bare = saturate($what[0][1], '/bare');
        push @{ $got{bare} }, $bare if $i;

        for my $j (0 .. $#what) {
            my $result = saturate($what[$j][1], '/jam');

            # the first one warms up
            push @{ $got{$j} }, $result if $i;
        }

        Bench::note_fsync($made, $opt{quick} ? 10 : 40);
    }

    printf "## One node and two\n\nMedian of %d rounds of %s s, %d connections"
           . " in all, one worker a node; the ratio is of events/s to SQLite's,"
           . " round by round\n\n", $opt{rounds}, @opt{qw(seconds connections)};
    print "| | events/s | ratio | nginx CPU per event | server CPU per event"
          . " | p50 | p99 |\n| --- | --- | --- | --- | --- | --- | --- |\n";

    my %m = Bench::medians($got{bare});

    printf "| bare proxy_pass | %.0f | | %.1f us | | %.1f ms | %.1f ms |\n",
           @m{qw(rate cpu p50 p99)};

    for my $j (0 .. $#what) {
        %m = Bench::medians($got{$j});

        my $ratio = Bench::median(map {
            $got{$j}[$_]{rate} / $got{0}[$_]{rate} } 0 .. $#{ $got{0} });

        printf "| %s | %.0f | %.2f | %.1f us | %s | %.1f ms | %.1f ms |\n",
               $what[$j][0], $m{rate}, $ratio, $m{cpu},
               $what[$j][1]{pg} ? sprintf('%.1f us', $m{server}) : '',
               @m{qw(p50 p99)};
    }

    Bench::say_fsync();

    # those who use a server before it, a standby before its primary
    $_->stop for map { @{ $_->[1]{nodes} } } grep { $_->[1]{pg} } @what;
    $_->stop('immediate') for map { grep { defined } @$_{qw(standby pg)} }
                              $pg, @standby;
}


sub count {
    my $pg = pgsql(count => 1);
    my $store = $pg->{store};
    my $node = node($store);

    Jamhook::Env::wait_for(sub {
        eval { defined $store->value('select min(id) from endpoints') }
    }) or die "no store";

    my $super = $pg->{pg};
    $super->do('postgres', 'create extension pg_stat_statements');

    print "## Statements\n\nOf one node, counted by the server, BEGIN and COMMIT"
          . " left out; what it does each second all the same is in it\n\n| load | events"
          . " | statements per event | rows per event |\n"
          . "| --- | --- | --- | --- |\n";

    for my $load (['one at a time', 1, 0], ['100 events/s', 4, 100],
                  ["$opt{connections} connections", $opt{connections}, 0])
    {
        my ($name, $connections, $rate) = @$load;

        $super->do('postgres', 'select pg_stat_statements_reset()');

        my $got = Bench::end_load(Bench::start_load($node->port, '/jam',
                      $connections, $opt{seconds}, $rate));

        drained($store);

        # ours alone, not what the bench itself asks
        my $row = $super->row('postgres', q{
            select sum(calls)::int8 as statements, sum(rows)::int8 as rows
            from pg_stat_statements s join pg_roles r on r.oid = s.userid
            where r.rolname = 'jamhook' and query !~* '^(begin|commit)'});

        printf "| %s | %d | %.2f | %.2f |\n", $name, $got->{sent},
               map { ($_ || 0) / $got->{sent} }
               @$row{qw(statements rows)};
    }

    print "\n";
}


compare();
count();
