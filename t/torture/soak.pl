#!/usr/bin/env perl
# soak.pl: an nginx with a store for a long time, under mixed load with faults;
# then one Markdown table, and the question whether it has stayed as it was.
# Test::More's lines, and the table between them.
#
#   MINUTES=5     how long, or SECONDS_=300
#   RATE=60       events a second     WORKERS=2     of nginx
#   SEED=n        what happens when   EVERY=5       seconds between two samples
#   SHOW=1        each thing that happens, when it does
#
# It goes in rounds. In each there is load, with workers that are killed, targets
# that fail and visitors of all kinds (see Visitors); then all is let come to an
# end, and accounted for (see Account), and what nginx has in memory, files and
# its store is looked at while nothing is under way. In the first third of the
# rounds nginx is also reloaded, again and again. After that it is not, and of
# the workers the younger ones are killed: the oldest, the "elder", lives to the
# end. So what a master loses with a reload or a worker, and what a worker loses
# with an event or a call, both add up.
#
# jamhook_retention is that of two rounds and a half: the store is full then, and
# what comes in goes out again.

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
use Jamhook::Store;
use Load qw(pick);
use Samples;
use Visitors;

my $patience = $Jamhook::Env::PATIENCE;

$ENV{SECONDS_} ||= 60 * ($ENV{MINUTES} || 5);

my $load = Load->new(rate => 60, workers => 2);

my $all = $load->{seconds};
my $round = $all / 15 > 60 ? 60 : $all / 15 < 2 ? 2 : $all / 15;
my $rounds = int($all / $round + 0.5);
my $reloads = int($rounds / 3);             # the first ones
my $retention = 10 + int(2.5 * $round);
my $every = $ENV{EVERY} || ($round / 4 < 5 ? $round / 4 : 5);

# In a short run nothing has warmed up. The figures are what may be added in all
# that is judged: what malloc() does not give back comes to an end, and what is
# lost with each event does not.
my $long = $rounds >= 10;
my $MEMORY = $long ? 0.08 : 0.25;
my $STORE = 0.15;

# the log grows up to a checkpoint, which a short run may not come to; the size
# that is the store's journal_size_limit
my $LOG = 8_388_608;

note sprintf 'seed %d, %d rounds of %.0f s, %d workers, %d events/s,'
             . ' jamhook_retention %ds', $load->{seed}, $rounds, $round,
             $load->{workers}, $load->{rate}, $retention;

my $nginx = $load->nginx(
    store => 1, timeout => '500ms', retention => $retention,
    http => q{
        jamhook_retention     %{retention}s;
        client_max_body_size  1m;
    }, server => q{
        location /jamhook/   { jamhook_portal; }
        location = /metrics  { jamhook_metrics; }

        location = /own {
            jamhook_pass    sink;
            jamhook_verify  keys/P1.key;
        }

        location = /sink {
            jamhook_endpoint  sink;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:%{port}/drain;
        }

        location = /drain { return 204; }
    });

my $store = $nginx->store;


# the run

sub oldest { return (Samples::by_age($nginx->workers))[0] }
sub youngest { return (Samples::by_age($nginx->workers))[-1] }


# of one round
sub schedule {
    my ($n) = @_;

    my $shaken = $n <= $reloads;
    my @ways = (qw(kill kill reopen), $shaken ? qw(reload reload) : ());
    my @plan = $load->steps;
    my @first = $shaken ? qw(reload kill) : 'kill';
    my $at = 0.3;

    while (($at += 0.5 + rand($round / 6)) < $round) {
        my $what = @first ? shift @first : pick(@ways);

        # the last reload, or kill in its wake, is over at the end
        push @plan, [$at, $what, $shaken ? rand : ()];
    }

    return sort { $a->[0] <=> $b->[0] } @plan;
}


my %do = (
    # without a number the elder is left alone
    kill => sub {
        my ($which) = @_;

        return $load->kill_worker($nginx, $which) if defined $which;

        my @young = Samples::by_age($nginx->workers);
        my $pid = @young > 1 ? $young[-1] : return;

        $load->ended('killed', $pid);
        $nginx->signal('KILL', $pid);
    },

    reload => sub { $nginx->signal('HUP') },
    reopen => sub { $nginx->signal('USR1') },
);


# what the metrics say: { name => sum of its series }
sub metrics {
    my $answer = $nginx->get('/metrics');
    my %sum;

    for (split /\n/, $answer->{body}) {
        my ($name, $labels, $value) = /^jamhook_(\w+)(\{.*\})? ([\d.]+)$/
            or next;

        $sum{$name} += $value;
        $sum{delivered} += $value
            if $name eq 'attempts_total' && $labels =~ /"succeeded"/;
    }

    return \%sum;
}


my (@samples, $next);       # of the round; when the next one is due


sub sample {
    return if time < $next;

    $next = time + $every;

    my %sample = (at => time, metrics => eval { metrics() } || {});
    my %pid = (elder => oldest(), younger => youngest(), master => $nginx->pid);

    for my $who (keys %pid) {
        $sample{$who} = { Samples::process($pid{$who}) } if $pid{$who};
    }

    push @samples, \%sample;
}


sub most {
    my ($metric) = @_;

    my ($most) = sort { $b <=> $a }
                 map { $_->{metrics}{$metric} || 0 } @samples;

    return $most || 0;
}


sub files_in {
    my ($dir) = @_;

    return scalar(my @files = grep { -f } glob "$dir/* $dir/*/*");
}


# nothing is under way, and no connection open, at either end
sub quiet {
    my $all = sub { [map { { Samples::process($_) } } Samples::by_age(@_)] };
    my %quiet;

    Jamhook::Env::wait_for(sub { $nginx->workers('all') == $load->{workers} },
                           15 * $patience)
        or push @{ $load->{trouble} }, 'old workers do not end';

    # what a timer or a read of the store has open comes and goes
    for (1 .. 6) {
        sleep 0.1;

        my %now = (elder => $all->(oldest())->[0],
                   younger => $all->(youngest())->[0],
                   master => $all->($nginx->pid)->[0]);

        for my $who (keys %now) {
            my $files = $quiet{$who} ? $quiet{$who}{files} : undef;

            $quiet{$who} = $now{$who};
            $quiet{$who}{files} = $files
                if defined $files && $files < $now{$who}{files};
        }
    }

    # a worker that was killed counts as one of them for some seconds
    Jamhook::Env::wait_for(sub {
        my $metrics = metrics();

        $quiet{waits} = [map { $metrics->{$_} ? "$_ $metrics->{$_}" : () }
                         qw(store_queue_length deliveries_pending
                            deliveries_active)];
        return !@{ $quiet{waits} };
    }, 10 * $patience);

    $quiet{elder_pid} = oldest();
    $quiet{db} = -s $store->file;
    $quiet{wal} = -s $store->file . '-wal' || 0;
    $quiet{left} = files_in($store->dir) + files_in($nginx->dir . '/temp');
    $quiet{events} = $store->value('select count(*) from events');
    $quiet{oldest} = time - $store->value('select min(received_at) from events')
                            / 1000;

    return \%quiet;
}


# The rows of a table that has this round's events alone. Those of older ones go
# by jamhook_retention meanwhile, and are accounted for.
sub rows {
    my ($sql) = @_;

    my $ours = "'msg_$load->{seed}x%'";

    $sql =~ s/ from events$/ from events where id like $ours/;
    $sql =~ s/ (?=order by a\.seq$)/ where e.id like $ours /;

    return $store->rows($sql);
}


my ($total, %visited, @rows, @quiet);
my $begin = time;

for my $n (1 .. $rounds) {
    my $master = $nginx->pid;

    $load->again if $n > 1;
    srand $load->{seed};
    $load->{seconds} = $round;
    @samples = ();
    $next = time + $every / 2;

    my @plan = schedule($n);
    my $from = time;
    my $before = metrics();

    $load->send_to($nginx->port);

    my $visitors = Visitors->new($nginx, rate => 10, seed => $load->{seed},
                                 file => "$load->{dir}/visitors");

    $load->follow(\@plan, { $load->orders, %do }, \&sample);
    $load->well;

    my $did = $visitors->stop;

    $load->through;
    $load->drains(sub { $store->idle(60 * $patience) });
    $load->stop;

    my $took = time - $from;
    my $after = metrics();
    my $quiet = quiet();

    my $account = $load->account(rows => \&rows);

    for my $what (keys %$did) {
        $visited{$what}{$_} += $did->{$what}{$_} for keys %{ $did->{$what} };
    }

    my $answered = 0;
    $answered += $_ for map { values %$_ } values %$did;

    push @quiet, $quiet;
    push @rows, [
        sprintf('%.1f', (time - $begin) / 60),
        sprintf('%.0f', $account->{acked} / $took),
        sprintf('%.0f', ($after->{delivered} - $before->{delivered}) / $took),
        sprintf('%.0f', $answered / $took),
        (map { my $who = $_; sprintf '%.1f / %.1f, %.1f', map { $_ / 1024 }
               $quiet->{$who}{rss}, $quiet->{$who}{pss},
               Samples::median(map { $_->{$who}{rss} } @samples) || 0 }
             qw(elder younger master)),
        join(', ', map { $quiet->{$_}{files} } qw(elder younger master)),
        most('deliveries_active'), most('deliveries_pending'),
        most('store_queue_length'),
        sprintf('%.1f', $quiet->{db} / 1048576),
        sprintf('%.1f', $quiet->{wal} / 1048576),
        $quiet->{events},
    ];

    $total ? $total->add($account) : ($total = $account);
    delete @$account{qw(events seen row succeeded took ended)};

    last if @{ $load->{trouble} } || $nginx->pid != $master;
}

$nginx->ends_well(expected => ['~ exited on signal 9'],
                  seconds => 15 * $patience,
                  name => 'nginx ends well, and its log is clean');


# what came of it

note '';
note $load->happened;
note 'visitors: ' . join ', ', map { my $what = $_;
    map { "$what $_: $visited{$what}{$_}" } sort keys %{ $visited{$what} }
} sort keys %visited;
note "$total->{sent} events in $total->{tries} tries, $total->{acked}"
     . ' acknowledged';
note 'answers: ' . join ', ', map { "$_: $total->{answers}{$_}" }
     sort { $total->{answers}{$b} <=> $total->{answers}{$a} }
     keys %{ $total->{answers} };
note '';

print "$_\n" for Samples::table(
    ['minute', 'events/s', 'delivered/s', 'visits/s', 'elder, MiB',
     'younger, MiB', 'master, MiB', 'descriptors', 'active', 'pending',
     'queue', 'store, MiB', 'log, MiB', 'events kept'], @rows);

print <<'END';

Memory: RSS / PSS while nothing is under way, then RSS under load (median).
Descriptors: elder, younger, master, while nothing is under way. Active,
pending, queue: the most that was seen.

END

is scalar @rows, $rounds, 'all rounds were made';
$total->checks;
is_deeply [Visitors::wrong(\%visited)], [],
          'visitors are answered as they are to be';

# what is to be had without a worker that dies, mostly
my $none = 0;
my $visits = 0;

for my $what (grep { $_ ne 'half' } keys %visited) {
    $visits += $_ for values %{ $visited{$what} };
    $none += $visited{$what}{$_} || 0 for 0, 503;
}

cmp_ok $none, '<', 0.05 * $visits, "... and nearly always ($visits, $none not)";

is_deeply [map { @{ $_->{waits} } } @quiet], [],
          'in the end nothing waits';

my @steady = @quiet[$reloads .. $#quiet];
my %elders = map { $_->{elder_pid} => 1 } @steady;

is scalar keys %elders, 1, 'one worker lived from the last reload on';

# what is finished goes by a look each quarter of that time, and within some
# seconds; a look is missed where the worker dies that was to take it
my ($oldest) = sort { $b <=> $a } map { $_->{oldest} } @quiet;

cmp_ok $oldest, '<', 1.5 * $retention + 5,
       "no event is kept for much longer than its $retention s";

# The elder has two rounds to warm up, and the store is full after its retention
# and what that waits for.
splice @steady, 0, 2 if $long;

my @full = @quiet[($long ? 5 : 1) .. $#quiet];
my @judged = (
    { name => "the elder's memory", unit => 'KiB', share => $MEMORY,
      values => [map { $_->{elder}{rss} } @steady] },
    { name => "the master's memory", unit => 'KiB', share => $MEMORY,
      values => [map { $_->{master}{rss} } @full] },
    { name => "the elder's descriptors", same => 1,
      values => [map { $_->{elder}{files} } @steady] },
    { name => "the master's descriptors", same => 1,
      values => [map { $_->{master}{files} } @full] },
    { name => 'files of the store and of nginx', same => 1,
      values => [map { $_->{left} } @full] },
    { name => "the store's log", unit => 'bytes', share => $STORE,
      values => [map { $_->{wal} } @full], $long ? () : (within => $LOG) },
    $long ? { name => 'the store', unit => 'bytes', share => $STORE,
              values => [map { $_->{db} } @full] } : (),
);

for (@judged) {
    my $judged = Samples::judge(%$_, allowed => ($_->{share} || 0)
                                * (Samples::median(@{ $_->{values} }) || 0));

    ok $judged->{flat}, $judged->{line};
}

done_testing;


1;
