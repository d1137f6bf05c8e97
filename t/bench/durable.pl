#!/usr/bin/env perl
# durable.pl [--seconds 2] [--rounds 5] [--connections 32] [--workers 1,2,8]
#            [--rate 1000] [--rate-seconds 4] [--events 1000000]
#            [--waiting 100000] [--part throughput,latency,growth]
#            [--max-active 64] [--store DIR] [--no-memory-disk] [--quick]
#
# Measures events that are stored before they are answered, and delivered:
#
#   throughput  as many as go through, against a bare proxy_pass of the same
#               POST. CPU is that of all of the workers' threads, until the last
#               event of a round is delivered and that is written down.
#   latency     at a fixed rate: of the answer, and of the arrival at the
#               target, counted from when an event was to be sent
#   growth      one worker with an empty store, with many finished events in it,
#               and with many deliveries that wait
#
# All in one nginx each, on loopback, keepalive on both sides, rounds of all in
# turn, with twice the connections from 3 workers on. No id comes twice; ids are
# time-ordered, as Svix's are. Stores lie in build/t/bench-durable.pl or in DIR;
# what one fdatasync() takes there is measured between the rounds. The rate is
# also tried with a store in /dev/shm, where a disk's part is nothing.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use File::Path qw(remove_tree);
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Store;
use Time::HiRes qw(time sleep);

my %opt = (seconds => 2, rounds => 5, connections => 32, workers => '1,2,8',
           rate => 1000, 'rate-seconds' => 4, events => 1_000_000,
           waiting => 100_000, part => 'throughput,latency,growth',
           'max-active' => 64, 'memory-disk' => 1);
my @spec = ('seconds=f', 'rounds=i', 'connections=i', 'workers=s', 'rate=i',
            'rate-seconds=f', 'events=i', 'waiting=i', 'part=s', 'store=s',
            'max-active=i', 'memory-disk!', 'quick');
my @args = @ARGV;

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(seconds rounds workers rate rate-seconds events waiting)} =
        (0.5, 1, '1', 200, 1, 2000, 500);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

my %part = map { $_ => 1 } split /,/, $opt{part};
my $tmp = Jamhook::Env::tmp();
my $stores = 0;
my (@made, @stopped);


# killed, it stops its nginx all the same
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

END {
    my $status = $?;
    kill 'CONT', @stopped;
    remove_tree($_) for @made;
    $? = $status;
}

my $sink = Bench::sink();

# a target that takes connections and never says anything
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
                                 Proto => 'tcp', Listen => 1024) or die $!;


# An nginx with a store of its own. target: the port; dead: that of a second
# endpoint, which has deliveries but gets none from here.
sub relay {
    my (%with) = @_;

    my $serial = ++$stores;
    my $dir = $with{place} ? "$with{place}/jamhook-bench-$$-$serial"
                           : "$tmp/store-$serial";
    my $store = Jamhook::Store->new($dir, params => 'max_size=100g');

    push @made, $dir;

    my $nginx = Jamhook::Nginx->new(name => "relay-$serial",
        connections => 16384, level => 'warn', workers => $with{workers} || 1,
        target => $with{target} || $sink->port,
        dead => $with{dead} || Jamhook::Env::refused_port(),
        max_active => $opt{'max-active'},
        http => Bench::relay_http($store), server => Bench::relay_server());

    $nginx->{bench} = $store;
    Jamhook::Env::wait_for(sub { -s $store->file
        && eval { defined $store->value('select min(id) from endpoints') } })
        or die "no store";

    return $nginx;
}


sub load {
    my ($nginx, $path, $seconds, $per_second, $target) = @_;

    my $connections = $opt{connections};
    $connections *= 2 if ($nginx->{workers} || 1) > 2;

    return Bench::end_load(Bench::start_load($nginx->port, $path, $connections,
                                             $seconds, $per_second, $target));
}


sub saturate {
    my ($nginx, $path) = @_;

    my @workers = $nginx->workers;
    my @before = Bench::cpu_of(@workers);
    my $got = load($nginx, $path, $opt{seconds}, 0);
    my $answered = time;

    Bench::wait_drained($nginx->{bench}, 60) if $path eq '/jam';

    my $seconds = $got->{us} / 1e6 + time - $answered;
    my @cpu = Bench::cpu_of(@workers);

    $cpu[$_] = ($cpu[$_] - $before[$_]) / $got->{sent} * 1e6 for 0, 1;

    return { loop => $cpu[0], threads => $cpu[1], cpu => $cpu[0] + $cpu[1],
             rate => $got->{sent} / $seconds,
             answers => $got->{sent} / $got->{us} * 1e6,
             map { $_ => $got->{$_} / 1000 } qw(p50 p95 p99) };
}


sub note_fsync {
    my ($nginx) = @_;

    Bench::note_fsync($nginx->{bench}->dir, $opt{quick} ? 10 : 40);
}


sub throughput {
    printf "## Stored and delivered, as many as go through\n\n"
           . "Median of %d rounds of %s s; CPU of all workers for an event, of"
           . " their event loops and of the store's threads\n\n",
           $opt{rounds}, $opt{seconds};
    print "| workers | | CPU per event | loop + threads | events/s | answers/s"
          . " | p50 | p95 | p99 |\n"
          . "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

    for my $workers (split /,/, $opt{workers}) {
        my $nginx = relay(workers => $workers, place => $opt{store});
        my %got;

        for my $i (0 .. $opt{rounds}) {
            for my $path ('/bare', '/jam') {
                my $result = saturate($nginx, $path);

                # the first one warms up
                push @{ $got{$path} }, $result if $i;
            }

            note_fsync($nginx);
        }

        for my $path ('/bare', '/jam') {
            my %m = Bench::medians($got{$path});

            printf "| %d | %s | %.1f us | %.1f + %.1f us | %.0f | %.0f"
                   . " | %.1f ms | %.1f ms | %.1f ms |\n", $workers,
                   $path eq '/jam' ? 'jamhook' : 'bare proxy_pass',
                   @m{qw(cpu loop threads rate answers p50 p95 p99)};
        }

        my ($jam, $bare) = @got{'/jam', '/bare'};
        my %ratio = map {
            my $key = $_;
            $key => Bench::median(map { $jam->[$_]{$key} / $bare->[$_]{$key} }
                                  0 .. $#$jam)
        } qw(cpu rate answers);

        printf "| %d | ratio | %.2f | | %.2f | %.2f | | | |\n", $workers,
               @ratio{qw(cpu rate answers)};

        $nginx->stop;
    }

    Bench::say_fsync();
}


sub latency {
    printf "## Stored and delivered, %s events/s\n\n"
           . "One worker, from when an event was to be sent; median of %d"
           . " rounds of %s s\n\n", Bench::thousands($opt{rate}), $opt{rounds},
           $opt{'rate-seconds'};
    print "| | | p50 | p95 | p99 |\n| --- | --- | --- | --- | --- |\n";

    my @places = ([$opt{store} || 'disk', $opt{store}]);

    push @places, ['/dev/shm', '/dev/shm']
        if $opt{'memory-disk'} && -w '/dev/shm';

    my $port = Jamhook::Env::free_port();
    my %nginx = map { $_->[0] => relay(place => $_->[1], target => $port) }
                @places;
    my (%got, @late);

    for my $i (0 .. $opt{rounds}) {
        for my $place (@places) {
            my $nginx = $nginx{$place->[0]};

            for my $path ('/bare', '/jam') {
                my $got = load($nginx, $path, $opt{'rate-seconds'}, $opt{rate},
                               $port);

                die "$path: not all arrived" if $got->{arrived} < $got->{sent};

                # the first one warms up
                next unless $i;

                push @{ $got{"$place->[0]$path"} }, $got;
                push @late, $got->{late99};

                Bench::wait_drained($nginx->{bench}, 60);
            }

            note_fsync($nginx) if $place == $places[0];
        }
    }

    for my $place (map { $_->[0] } @places) {
        for my $path ('/bare', '/jam') {
            my %m = Bench::medians($got{"$place$path"});
            my $name = $path eq '/bare' ? 'bare proxy_pass'
                     : "jamhook, store on $place";

            next if $path eq '/bare' && $place ne $places[0][0];

            printf "| %s | answer | %.2f ms | %.2f ms | %.2f ms |\n", $name,
                   map { $_ / 1000 } @m{qw(p50 p95 p99)};
            printf "| %s | arrival | %.2f ms | %.2f ms | %.2f ms |\n", $name,
                   map { $_ / 1000 } @m{qw(a50 a95 a99)};
        }
    }

    printf "\nThe sender itself was late by %.2f ms at p99.\n",
           Bench::median(@late) / 1000;
    Bench::say_fsync();

    $_->stop for values %nginx;
}


# Copies of a delivered event, so that all is as the module writes it: n events,
# and their deliveries as "set" says.
sub fill {
    my ($nginx, $n, $endpoint, %set) = @_;

    my $store = $nginx->{bench};
    my $one = load($nginx, '/jam', 1, 1);

    Bench::wait_drained($nginx->{bench}, 10);
    $nginx->stop;

    my $insert = sub {
        my ($table, $where, %value) = @_;

        my @columns = map { $_->{name} }
                      $store->rows("pragma table_info($table)");
        my $values = join ', ', map { defined $value{$_} ? $value{$_} : $_ }
                                @columns;

        return "insert into $table (" . join(', ', @columns) . ")\n"
               . "with recursive c(n) as (select 1 union all"
               . " select n + 1 from c where n < $n)\n"
               . "select $values from c, $table where $where order by n;\n";
    };

    my $seq = $store->value('select max(seq) from events');
    my $to = "(select id from endpoints where name = '$endpoint')";
    my $sql = "pragma synchronous = off; pragma cache_size = -500000;\n"
        . "begin;\n"
        . $insert->('events', "seq = $seq", seq => "$seq + n",
              # before what comes later, of the same length
              id => "'msg_2' || printf('%08d', n) || hex(randomblob(9))",
              received_at => 'received_at - 86400000 + n')
        . $insert->('deliveries', "event = $seq", event => "$seq + n",
                    endpoint => $to, %set);

    if (!defined $set{state}) {
        $sql .= $insert->('attempts', "event = $seq", seq => "seq + n",
                          event => "$seq + n");
    }

    my ($status, $said) = $store->shell($sql . "commit;\n"
        . "pragma wal_checkpoint(truncate);", write => 1);

    die "sqlite3: $said" if $status;

    $nginx->start;
}


sub growth {
    my $n = Bench::thousands($opt{waiting});
    my $hole_port = $hole->sockport;
    my $ms = int(time * 1000);

    # what was tried once and waits for its next try
    my %waits = (state => 0, class => 1, step => 1, lease_owner => 'null',
                 lease_until => 0);
    my %due = (%waits, next_at => "$ms - 3600000 + n");

    my @stores = (
        ['empty'],
        [Bench::thousands($opt{events}) . ' finished events', $opt{events},
         'fin'],
        ["$n deliveries that wait for their time", $opt{waiting}, 'fin',
         %waits, next_at => "$ms + 18000000 + n"],
        ["$n that are due, their endpoint says nothing", $opt{waiting}, 'dead',
         %due],
        ["$n that are due, their endpoint refuses", $opt{waiting}, 'dead',
         %due],
    );
    my ($silent, $refusing) = (3, 4);

    my (@nginx, %got, %peak);

    for my $i (0 .. $#stores) {
        my ($name, @fill) = @{ $stores[$i] };

        $nginx[$i] = relay(place => $opt{store},
                           $i == $silent ? (dead => $hole_port) : ());
        fill($nginx[$i], @fill) if @fill;
    }

    # it is at work without an event coming in: not in others' rounds
    my ($busy) = $nginx[$refusing]->workers;
    push @stopped, $busy;
    kill 'STOP', $busy;

    # what the disk has still to write
    system 'sync';

    my $idle = Bench::rss(($nginx[0]->workers)[0]);

    for my $round (0 .. $opt{rounds}) {
        for my $i (0 .. $#stores) {
            if ($i == $refusing) {
                kill 'CONT', $busy;
                my ($status, $said) = $nginx[$i]{bench}->shell(q{
                    update deliveries set next_at = 1 where state = 0
                    and endpoint = (select id from endpoints
                                    where name = 'dead')}, write => 1);
                die "sqlite3: $said" if $status;
            }

            my $result = saturate($nginx[$i], '/jam');
            my ($pid) = $nginx[$i]->workers;

            # the first one warms up
            push @{ $got{$i} }, $result if $round;
            $peak{$i} = Bench::peak($pid);

            kill 'STOP', $busy if $i == $refusing;
        }

        note_fsync($nginx[0]);
    }

    printf "## Growth\n\nOne worker; median of %d rounds of %s s; memory is the"
           . " worker's most, over that of one that was idle\n\n",
           $opt{rounds}, $opt{seconds};
    print "| store | CPU per event | events/s | of the empty one's | memory |\n"
          . "| --- | --- | --- | --- | --- |\n";

    for my $i (0 .. $#stores) {
        my %m = Bench::medians($got{$i});
        my $ratio = Bench::median(map { $got{$i}[$_]{rate} / $got{0}[$_]{rate} }
                                  0 .. $#{ $got{0} });

        printf "| %s | %.1f us | %.0f | %.0f %% | %.1f MiB |\n", $stores[$i][0],
               @m{qw(cpu rate)}, $ratio * 100, ($peak{$i} - $idle) / 1024;
    }

    Bench::say_fsync();

    kill 'CONT', $busy;
    $_->stop for @nginx;
}


throughput() if $part{throughput};
latency() if $part{latency};
growth() if $part{growth};
