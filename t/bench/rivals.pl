#!/usr/bin/env perl
# rivals.pl [--seconds 3] [--rounds 5] [--connections 32] [--rate 1000]
#           [--rate-seconds 4] [--only bare,jamhook,durable,lua,njs,node]
#           [--plots DIR] [--source DIR] [--quick]
#
# Measures jamhook, in pass-through and with SQLite, against what a user would
# have instead: lua-nginx and njs of Debian, Node with fastify and undici, and a
# bare proxy_pass for the floor. Each has one worker, or process, no access log,
# keepalive on both sides, the same sender (rate.c: each event signed, no id
# twice) and the same target, an nginx that says 200; rounds of all in turn.
#
# First each is asked the same requests, good and bad, and what arrives at the
# target is looked at (Rivals.pm): one that does not do the same work fails the
# run. The processes that passed are those that are measured.
#
# The CPU is that of the worker, user and system, all of its threads; with a
# store until what a round sent is delivered and that is written down. Prints
# Markdown; plots go to DIR, and are named as if they stood beside it. With
# --source the rivals are those of another directory than t/bench/rivals.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Target;
use Plot;
use Rivals;
use Time::HiRes qw(time sleep);

my %opt = (seconds => 3, rounds => 5, connections => 32, rate => 1000,
           'rate-seconds' => 4, only => '',
           plots => "$Jamhook::Env::TOP/build/bench");
my @spec = ('seconds=f', 'rounds=i', 'connections=i', 'rate=i',
            'rate-seconds=f', 'only=s', 'plots=s', 'source=s', 'quick');
my @args = @ARGV;

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(seconds rounds rate rate-seconds)} = (0.3, 1, 200, 0.5);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

$Rivals::SOURCE = abs_path($opt{source}) if $opt{source};

# the goals: at most so many times the floor's CPU, and at least so many times
# less than another's
use constant { PASS => 1.25, DURABLE => 2.0, SCRIPT => 2, NODE => 5 };

# killed, it stops its processes all the same
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

my $port = Jamhook::Env::free_port();
my $target = Jamhook::Target->new('200', port => $port);
my @all = Rivals::start($port, split /,/, $opt{only});


# the same work

for my $c (@all) {
    my @faults = Rivals::conform($c, $target);

    die "$c->{name} does not do the same work:\n", map { "  $_\n" } @faults
        if @faults;
}

$target->stop;

my $sink = Jamhook::Nginx->new(name => 'target', no_module => 1, port => $port,
    level => 'crit', connections => 8192, http => q{
        access_log off;
        keepalive_requests 100000000;
        default_type application/json;
    }, server => q{
        location / { return 200 '{"ok":true}'; }
    });


sub load {
    my ($c, $seconds, $rate) = @_;

    my $got = Bench::end_load(Bench::start_load($c->{port}, $c->{path},
                              $opt{connections}, $seconds, $rate));

    Bench::wait_drained($c->{store}, 60) if $c->{store};

    return $got;
}


sub saturate {
    my ($c) = @_;

    my @before = Bench::cpu_of(@{ $c->{pids} });
    my $start = time;
    my $got = load($c, $opt{seconds}, 0);
    my $all = time - $start;
    my @after = Bench::cpu_of(@{ $c->{pids} });
    my $cpu = $after[0] + $after[1] - $before[0] - $before[1];

    return { cpu => $cpu / $got->{sent} * 1e6,
             rate => $got->{sent} / $got->{us} * 1e6, busy => $cpu / $all,
             map { $_ => $got->{$_} / 1000 } qw(p50 p99) };
}


my (%full, %paced);

# the first one warms up: compilers too
for my $round (0 .. $opt{rounds}) {
    for my $c (@all) {
        my $got = saturate($c);
        push @{ $full{$c->{key}} }, $got if $round;
    }
}

for my $c (@all) {
    my @memory = map { memory($_) } @{ $c->{pids} };
    $c->{rss} = $memory[0]{Rss};
    $c->{pss} = $memory[0]{Pss};
}

for my $round (0 .. $opt{rounds}) {
    for my $c (@all) {
        my $got = load($c, $opt{'rate-seconds'}, $opt{rate});
        push @{ $paced{$c->{key}} }, $got if $round;
    }
}

# what was measured was still there
for my $c (@all) {
    die "$c->{name} did not live\n"
        if grep { !Jamhook::Env::is_running($_) } @{ $c->{pids} };
}


# KiB
sub memory {
    my ($pid) = @_;

    return { Jamhook::Env::slurp("/proc/$pid/smaps_rollup")
             =~ /^(Rss|Pss):\s+(\d+)/mg };
}


# the median of the rounds' ratios
sub ratio {
    my ($of, $to) = @_;

    return unless $full{$of} && $full{$to};
    return Bench::median(map { $full{$of}[$_]{cpu} / $full{$to}[$_]{cpu} }
                         0 .. $#{ $full{$of} });
}


my %median = map { $_ => { Bench::medians($full{$_}) } } keys %full;
my %pace = map { $_ => { Bench::medians($paced{$_}) } } keys %paced;

sub factor { return defined $_[0] ? sprintf '%.2f', $_[0] : '' }



printf "Each passed the same %d requests first: the answers were the same, and"
       . " what arrived at the target was mapped alike and rightly signed (the"
       . " bare proxy does none of it). What jamhook looks at besides, such as"
       . " UTF-8 and names that stand twice, is asked of no other.\n\n",
       scalar(my @list = Rivals::cases());

print "| | what an answer 200 says |\n| --- | --- |\n",
      map { "| $_->{name} | $_->{promise} |\n" } @all;

printf "\n### As many as go through\n\nOne worker, %d connections, events of"
       . " 226 bytes; medians of %d round(s) of %s s. The ratios are medians of"
       . " the rounds' own. Where the worker is not busy, the sender and the"
       . " target had no more of the processors.\n\n", $opt{connections},
       $opt{rounds}, $opt{seconds};
print "| | worker CPU per event | of the floor's | of jamhook's | events/s"
      . " | worker busy | p50 | p99 |\n"
      . "| --- | --- | --- | --- | --- | --- | --- | --- |\n";

for my $c (@all) {
    my $m = $median{$c->{key}};

    printf "| %s | %.1f us | %s | %s | %.0f | %.0f %% | %.2f ms | %.2f ms |\n",
           $c->{name}, $m->{cpu}, factor(ratio($c->{key}, 'bare')),
           factor(ratio($c->{key}, 'jamhook')), $m->{rate}, $m->{busy} * 100,
           @$m{qw(p50 p99)};
}

plot('cpu', sub {
    Plot::bars($_[0], 'Worker CPU per event, microseconds', '%.1f',
               [map { [$_->{short}, $median{$_->{key}}{cpu}] } @all]);
});

plot('rate', sub {
    Plot::bars($_[0], 'Events per second, one worker', '%.0f',
               [map { [$_->{short}, $median{$_->{key}}{rate}] } @all]);
});

printf "\n### At %s events/s\n\nFrom when an event was to be sent to its"
       . " answer; medians of %d round(s) of %s s.\n\n",
       Bench::thousands($opt{rate}), $opt{rounds}, $opt{'rate-seconds'};
print "| | p50 | p90 | p99 | p99.9 |\n| --- | --- | --- | --- | --- |\n";

for my $c (@all) {
    printf "| %s | %.2f ms | %.2f ms | %.2f ms | %.2f ms |\n", $c->{name},
           map { $_ / 1000 } @{ $pace{$c->{key}} }{qw(p50 p90 p99 p999)};
}

printf "\nThe sender itself was late by %.2f ms at p99.\n",
       Bench::median(map { $_->{late99} } map { @$_ } values %paced) / 1000;

my %fraction = (p10 => 0.1, p25 => 0.25, p50 => 0.5, p75 => 0.75, p90 => 0.9,
                p95 => 0.95, p99 => 0.99, p999 => 0.999);
my @percentiles = sort { $fraction{$a} <=> $fraction{$b} } keys %fraction;

plot('latency', sub {
    Plot::percentiles($_[0], 'Answers at ' . Bench::thousands($opt{rate})
        . ' events/s', [map {
            my $c = $_;
            [$c->{short}, [map { [$fraction{$_}, $pace{$c->{key}}{$_} / 1000] }
                           @percentiles]]
        } @all]);
});

print "\n### Memory of the worker\n\nAfter that load. Pss counts a page that"
      . " others have too by its share.\n\n| | Rss | Pss |\n"
      . "| --- | --- | --- |\n";

printf "| %s | %.1f MiB | %.1f MiB |\n", $_->{name}, $_->{rss} / 1024,
       $_->{pss} / 1024 for @all;

my @goals = (
    ['CPU in pass-through, of the floor\'s', 'jamhook', 'bare', PASS, 0],
    ['CPU with SQLite, of the floor\'s', 'durable', 'bare', DURABLE, 0],
    ['CPU of lua-nginx, of jamhook\'s', 'lua', 'jamhook', SCRIPT, 1],
    ['CPU of njs, of jamhook\'s', 'njs', 'jamhook', SCRIPT, 1],
    ['CPU of Node, of jamhook\'s', 'node', 'jamhook', NODE, 1],
);

print "\n### Goals\n\n| | goal | measured | |\n| --- | --- | --- | --- |\n";

for my $goal (@goals) {
    my ($name, $of, $to, $want, $least) = @$goal;
    my $got = ratio($of, $to);

    next unless defined $got;

    printf "| %s | at %s %.2f | %.2f | %s |\n", $name,
           $least ? 'least' : 'most', $want, $got,
           ($least ? $got >= $want : $got <= $want) ? 'met' : 'MISSED';
}

print "\n";


sub plot {
    my ($name, $draw) = @_;

    make_path($opt{plots});
    $draw->("$opt{plots}/$name.svg");
    print "\n![$name]($name.svg)\n";
}
