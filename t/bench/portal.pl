#!/usr/bin/env perl
# portal.pl [--events 1000000] [--rounds 5] [--seconds 10] [--rate 500]
#           [--connections 32] [--workers 2] [--calls 100] [--pause 0]
#           [--store DIR] [--quick]
#
# Measures the portal's API on a store that holds a month of events, while more
# come in at a fixed rate and are delivered, and what it does to their answers:
# rounds without a call and with one client that makes one call after the other
# take turns, until each call was made as often as "calls" says. The client
# rests for "pause" ms after each call. All on loopback, keepalive on both
# sides; a call's time is until the last byte of its answer.
#
# The store is made by fill.pl, which takes a minute and 2.3 GB for a million
# events, and stays in build/bench/portal-N for a day; measured is a copy of it,
# in build/t/bench-portal.pl or in DIR, with all of it in the kernel's memory.
# What is pending in it is due later, and one of its two endpoints is paused, so
# that no state is without an event.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use File::Path qw(make_path remove_tree);
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Store;
use POSIX ();
use Time::HiRes qw(time sleep);

my %opt = (events => 1_000_000, rounds => 5, seconds => 10, rate => 500,
           connections => 32, workers => 2, calls => 100, pause => 0);
my @spec = ('events=i', 'rounds=i', 'seconds=f', 'rate=i', 'connections=i',
            'workers=i', 'calls=i', 'pause=i', 'store=s',
            'quick');
my @args = @ARGV;

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(events rounds seconds rate calls)} = (2000, 1, 1, 100, 1);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

# ms of the p95; of the p99 of the answers to events, how many times as much
use constant { LIST => 50, STATS => 200, TIMES => 2 };

my $tmp = Jamhook::Env::tmp();
my $place = $opt{store} ? "$opt{store}/jamhook-bench-$$" : "$tmp/store";
my $store = Jamhook::Store->new($place, params => 'max_size=100g');

# killed, it stops its nginx all the same
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

END {
    my $status = $?;
    remove_tree($store->dir) if $store;
    $? = $status;
}


# The store that is kept; one of yesterday has had no events for a day.
sub filled {
    my $dir = "$Jamhook::Env::TOP/build/bench/portal-$opt{events}";
    my $file = "$dir/jamhook.db";

    if (!-s $file || -M $file > 1) {
        remove_tree($dir, "$dir.new");
        make_path("$Jamhook::Env::TOP/build/bench");

        system("$FindBin::Bin/fill.pl '$dir.new' $opt{events} >&2") == 0
            or die "fill.pl: $?";
        rename "$dir.new", $dir or die "$dir: $!";
    }

    return $file;
}


sub prepare {
    system('cp', '--reflink=auto', filled(), $store->file) == 0 or die "cp";

    my $ms = int(time * 1000);
    my ($status, $said) = $store->shell(qq{
        update deliveries set next_at = $ms + 3600000 where state = 0;
        update endpoints set paused = 1, paused_at = $ms
        where name = 'audit';
        pragma wal_checkpoint(truncate);}, write => 1);

    die "sqlite3: $said" if $status;

    # what the disk has still to write
    system 'sync';
}


prepare();

my $sink = Bench::sink();

# nothing of the store is old enough to be removed
my $nginx = Jamhook::Nginx->new(name => 'portal', connections => 4096,
    level => 'warn', workers => $opt{workers}, target => $sink->port,
    http => $store->line . q{
        jamhook_retention 60d;
        access_log off;
        keepalive_requests 100000000;

        upstream target {
            server 127.0.0.1:%{target};
            keepalive 256;
        }
    },
    server => q{
        location = /jam {
            jamhook_pass    fin;
            jamhook_verify  keys/P1.key;
        }

        location /fin {
            jamhook_endpoint    fin;
            jamhook_connector   intercom_fin;
            jamhook_sign        keys/S1.key;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_pass          http://target/fin/;
        }

        location /audit {
            jamhook_endpoint  audit;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://target/audit;
        }

        location /jamhook/ { jamhook_portal; }
        location = /metrics { jamhook_metrics; }
    });


# one request on a connection: (what came, ms)
sub get {
    my ($client, $path) = @_;

    my $at = time;

    print $client "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n";
    $client->flush;

    my $answer = $nginx->read($client);
    my $ms = (time - $at) * 1000;

    die "GET $path: $answer->{raw}" if $answer->{status} != 200;

    return ($answer->{body}, $ms);
}


# a day of the month, and n-th of values: another one with each call
sub day {
    my ($n) = @_;

    my @time = map { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_) }
               map { time - 86400 * ($_ + $n % 28) } 2, 1;

    return "since=$time[0]&until=$time[1]";
}


sub one_of {
    my ($name, @values) = @_;

    return sub { return "$name=$values[$_[0] % @values]" };
}


# Of a list: name and query, or what makes one for the n-th call. Jams are never
# for "audit" in such a store: a search for them there goes on till its time is
# over.
sub lists {
    my ($often, @events) = @_;

    my $links = 'type=recording_link.created';

    my @events_by = (
        ['', ''],
        ['type', $links],
        map({ ["endpoint $_", "endpoint=$_"] } qw(fin audit)),
        map({ ["state $_", "state=$_"] }
            qw(pending sending succeeded failed paused)),
        ['conversation_id', one_of(conversation_id =>
                                   map { $_->{conversation_id} } @events)],
        ['conversation_id of many', one_of(conversation_id => @$often)],
        ['jam_id', one_of(jam_id => map { $_->{jam_id} } @events)],
        ['since, until', \&day],
        ['type, since, until', sub { "$links&" . day(@_) }],
        ['state failed, since, until', sub { 'state=failed&' . day(@_) }],
        ['type, endpoint: none has both', 'type=jam.created&endpoint=audit'],
        ['limit 250', 'limit=250']);

    my @attempts_by = (
        ['', ''],
        map({ ["endpoint $_", "endpoint=$_"] } qw(fin audit)),
        map({ ["result $_", "result=$_"] } qw(succeeded failed interrupted)),
        ['since, until', \&day],
        ['endpoint, result, since, until',
         sub { 'endpoint=fin&result=failed&' . day(@_) }]);

    return map({ ['events', @$_] } @events_by),
           map({ ['attempts', @$_] } @attempts_by);
}


my $api = '/jamhook/api';

# { name, path: of the n-th call, goal: ms at p95, ms and next: what was seen of
# first and second pages }
sub calls {
    my $seqs = join ', ', map { int($_ * $opt{events} / 200) } 1 .. 200;
    my @events = $store->rows('select id, jam_id, conversation_id from events'
                              . " where seq in ($seqs)");
    my @often = map { $_->{conversation_id} } $store->rows(
        'select conversation_id from events group by 1'
        . ' order by count(*) desc limit 20');
    my @calls;

    for (lists(\@often, @events)) {
        my ($list, $by, $query) = @$_;

        push @calls, { name => $by ? "$list: $by" : $list, goal => LIST,
            path => sub {
                return "$api/$list?" . (ref $query ? $query->(@_) : $query);
            } };
    }

    my @others = (
        ['an event', sub { "$api/events/$events[$_[0] % @events]{id}" }, LIST],
        ['endpoints', sub { "$api/endpoints" }],
        ['stats of 24h', sub { "$api/stats?window=24h" }],
        ['stats of 30d', sub { "$api/stats?window=30d" }, STATS],
        ['status', sub { "$api/status" }],
        ['metrics', sub { '/metrics' }]);

    push @calls, map { { name => $_->[0], path => $_->[1], goal => $_->[2] } }
                 @others;
    $_->{ms} = [], $_->{next} = [] for @calls;

    return @calls;
}


# one call, and where it is a list that goes on, its second page
sub make_call {
    my ($client, $call, $n) = @_;

    my $path = $call->{path}->($n);
    my ($body, $ms) = get($client, $path);

    push @{ $call->{ms} }, $ms;

    # a list, and a short way through it: the client is not to take CPU
    my ($next) = substr($body, -100) =~ /"next":"([^"]+)"\}\s*\z/ or return;

    (undef, $ms) = get($client, "$path&cursor=$next");
    push @{ $call->{next} }, $ms;
}


my @calls;
my $made = 0;

# Events come in for a round; with calls all the while, on a connection for each
# turn, or without. What rate says of the answers.
sub round {
    my ($with_calls) = @_;

    my $until = time + $opt{seconds};
    my $load = Bench::start_load($nginx->port, '/jam', $opt{connections},
                                 $opt{seconds}, $opt{rate});
    my $client;

    while ($with_calls && time < $until) {
        $client = $nginx->connect if $made % @calls == 0 || !$client;
        make_call($client, $calls[$made % @calls], int($made / @calls));
        $made++;
        sleep $opt{pause} / 1000;
    }

    my $got = Bench::end_load($load);

    Bench::wait_drained($store, 60);
    Bench::note_fsync($store->dir, $opt{quick} ? 10 : 40);

    return { map { $_ => $got->{$_} / 1000 } qw(p50 p95 p99 late99) };
}


sub at {
    my ($of, @values) = @_;

    return (sort { $a <=> $b } @values)[$#values * $of];
}


sub ms { return map { sprintf '%.1f ms', $_ } @_ }
sub judged { return $_[0] <= $_[1] ? 'met' : 'MISSED' }


sub say_calls {
    print "| call | calls | p50 | p95 | max | second page: p50 | p95 | max"
          . " | p95 at most | |\n" . '| --- ' x 10 . "|\n";

    for my $call (@calls) {
        my ($first, $second) = map {
            my $seen = $_;
            [@$seen ? map { at($_, @$seen) } 0.5, 0.95, 1 : ()]
        } @$call{qw(ms next)};
        my $worst = at(1, $first->[1], @$second ? $second->[1] : ());

        print '| ', join(' | ', $call->{name}, scalar @{ $call->{ms} },
                         ms(@$first), @$second ? ms(@$second) : ('') x 3,
                         $call->{goal} ? ("$call->{goal} ms",
                                          judged($worst, $call->{goal}))
                                       : ('') x 2), " |\n";
    }
}


sub say_answers {
    my (%got) = @_;

    print "\n| answers to events | p50 | p95 | p99 | p99 of each round, ms"
          . " | sender late, p99 |\n" . '| --- ' x 6 . "|\n";

    for my $how ('alone', 'with calls') {
        my %m = Bench::medians($got{$how});
        my @rounds = map { sprintf '%.1f', $_->{p99} } @{ $got{$how} };

        print "| $how | ", join(' | ', ms(@m{qw(p50 p95 p99)}), "@rounds",
                                ms($m{late99})), " |\n";
    }

    my @times = map { $got{'with calls'}[$_]{p99} / $got{alone}[$_]{p99} }
                0 .. $#{ $got{alone} };
    my $times = Bench::median(@times);

    printf "\nThe p99 with calls is %.2f times that of the round before it"
           . " (median; %.2f to %.2f); at most %.1f: %s.\n", $times,
           at(0, @times), at(1, @times), TIMES, judged($times, TIMES);
}


Jamhook::Env::wait_for(sub {
    my $got = eval { (get($nginx->connect, '/jamhook/api/status'))[0] };
    $got && $got =~ /"state":"well"/;
}) or die "no store: " . join "\n", $nginx->log;

@calls = calls();

my %got;

for (my $i = 0; $i <= $opt{rounds} || $made < $opt{calls} * @calls; $i++) {
    my %round = map { $_ => round($_ ne 'alone') } 'alone', 'with calls';

    # the first one warms up
    if ($i) {
        push @{ $got{$_} }, $round{$_} for keys %round;
        next;
    }

    $_->{ms} = [], $_->{next} = [] for @calls;
    $made = 0;
}

printf "## The portal with %s events in the store\n\n"
       . "%d workers, %s events/s come in; %d rounds of %s s alone, and as many"
       . " with one client that makes one call after the other\n\n",
       Bench::thousands($opt{events}), $opt{workers},
       Bench::thousands($opt{rate}), scalar @{ $got{alone} }, $opt{seconds};

say_calls();
say_answers(%got);
Bench::say_fsync();

$_->stop for $nginx, $sink;
