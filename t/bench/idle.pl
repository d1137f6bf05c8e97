#!/usr/bin/env perl
# idle.pl [--requests 2000] [--seconds 10] [--rounds 7] [--quick]
#
# What the module costs an nginx that has nothing to do with it: the same nginx
# without the module, with the module loaded, and with a store, a portal and
# metrics configured, but no event. What is asked for is a small static file.
#
#   instructions of a request, counted by valgrind's callgrind, which does not
#   depend on what else the machine does; requests per second and CPU of each, in
#   rounds of all in turn; memory, threads, descriptors, wake-ups and CPU of a
#   worker with nothing to do

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Store;
use Single;
use Time::HiRes qw(sleep);

# requests at once, and how often they are counted
use constant { BURST => 50, BATCHES => 5 };

my %opt = (requests => 2000, seconds => 10, rounds => 7);
my @spec = ('requests=i', 'seconds=i', 'rounds=i', 'quick');
my @args = @ARGV;

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(requests seconds rounds)} = (200, 2, 1);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

my $tmp = Jamhook::Env::tmp();
my @kinds = ('without the module', 'loaded', 'configured');
my $serial = 0;

Jamhook::Env::write_file("$tmp/file.txt", 'x' x 1000);


# the options of an nginx of that kind
sub kind {
    my ($kind) = @_;

    my $name = 'idle-' . $serial++;
    my $http = "access_log off; keepalive_requests 100000000;\n";
    my $server = "location = /file.txt { root $tmp; }\n";

    if ($kind eq 'configured') {
        my $store = Jamhook::Store->new("$tmp/store-$name");

        $http .= $store->line . "jamhook_verify keys/P1.key;\n";
        $server .= q{
            location = /jam { jamhook_pass fin; }
            location /fin {
                jamhook_endpoint   fin;
                jamhook_connector  intercom_fin;
                jamhook_sign       keys/S1.key;
                proxy_pass         http://127.0.0.1:1/fin/;
            }
            location /jamhook/  { jamhook_portal; }
            location = /metrics { jamhook_metrics; }
        };

    } else {

        # as many to choose from
        $server .= join '', map { "location $_ { return 204; }\n" }
                   '= /jam', '/fin', '/jamhook/', '= /metrics';
    }

    return { name => $name, http => $http, server => $server,
             no_module => $kind eq $kinds[0] };
}


sub get {
    my ($socket, $n) = @_;

    my $text = "GET /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $end = "\r\n\r\n" . 'x' x 1000;

    for (1 .. $n / BURST) {
        syswrite $socket, $text x BURST or die "write: $!";

        my ($got, $left) = ('', BURST);

        while ($left) {
            sysread $socket, $got, 65536, length $got or die "read: $!";

            $left-- while $got =~ s/\AHTTP\/1\.1 200 .*?\Q$end\E//s;
            die $got if length $got && $got !~ /\AH/;
        }
    }
}


sub instructions {
    my ($kind) = @_;

    my $options = kind($kind);
    my $out = "$tmp/callgrind-$options->{name}";
    my $run = Single::start($options, 'valgrind', '--tool=callgrind', '-q',
                            '--separate-threads=yes',
                            "--callgrind-out-file=$out");
    my $socket = $run->{nginx}->connect;

    get($socket, BURST);

    # at each --dump it begins anew
    Single::control($run, '--zero');

    for (1 .. BATCHES) {
        get($socket, $opt{requests});
        Single::control($run, '--dump');
    }

    close $socket;
    Single::stop($run);

    # Of the first thread, which answers. The least of them has least of what is
    # done once a second, by nginx and by us.
    my ($least) = sort { $a->{all} <=> $b->{all} }
                  map { count("$out.$_-01") } 1 .. BATCHES;

    return $least;
}


# { all, own: of the module's functions themselves }, of a request
sub count {
    my ($dump) = @_;

    my @said = `callgrind_annotate --auto=no --threshold=100 --show-percs=no \\
                $dump 2>&1`;

    die "callgrind_annotate: @said" if $?;

    my %n = (own => 0);

    for (@said) {
        next unless /^\s*([\d,]+)\s+(\S.*)/;

        my ($n, $what) = ($1 =~ tr/,//dr, $2);

        $n{all} = $n / $opt{requests} if $what =~ /^PROGRAM TOTALS/;
        $n{own} += $n / $opt{requests} if $what =~ /:ngx_http_jamhook_\w+/;
    }

    die "no totals in $dump" unless $n{all};

    return \%n;
}


sub field {
    my ($file, $name) = @_;

    return Jamhook::Env::slurp($file) =~ /^\Q$name\E:\s+(\d+)/m ? $1 : 0;
}


# of all threads
sub wakes {
    my ($pid) = @_;

    my $sum = 0;
    $sum += field($_, 'voluntary_ctxt_switches')
        for glob "/proc/$pid/task/*/status";

    return $sum;
}


# of all threads
sub cpu {
    my @seconds = Bench::cpu_by_thread($_[0]);

    return $seconds[0] + $seconds[1];
}


# { rate, cpu: microseconds of each }
sub round {
    my ($nginx) = @_;

    my ($worker) = $nginx->workers;
    my $cpu = cpu($worker);
    my $said = `wrk -t1 -c32 -d$opt{seconds}s \\
                http://127.0.0.1:@{[ $nginx->port ]}/file.txt 2>&1`;

    die "wrk: $said" unless $said =~ m{^\s*(\d+) requests in }m;

    my $requests = $1;

    return { rate => $said =~ m{^Requests/sec:\s+([\d.]+)}m,
             cpu => (cpu($worker) - $cpu) / $requests * 1e6 };
}


my %instructions = map { $_ => instructions($_) } @kinds;
my %nginx = map {
    $_ => Jamhook::Nginx->new(workers => 1, connections => 1024, %{ kind($_) })
} @kinds;
my (%got, %is);

for (1 .. $opt{rounds}) {
    push @{ $got{$_} }, round($nginx{$_}) for @kinds;
}

for my $kind (@kinds) {
    my $nginx = $nginx{$kind};
    my ($worker) = $nginx->workers;
    my ($before, $cpu) = (wakes($worker), cpu($worker));

    sleep $opt{seconds};

    my @tasks = glob "/proc/$worker/task/*";
    my @descriptors = glob "/proc/$worker/fd/*";

    $is{$kind} = {
        wakes => (wakes($worker) - $before) / $opt{seconds},
        cpu => (cpu($worker) - $cpu) / $opt{seconds} * 1000,
        threads => scalar @tasks,
        descriptors => scalar @descriptors,
        map { my $pid = $_ eq 'worker' ? $worker : $nginx->pid;
              ("$_-pss" => field("/proc/$pid/smaps_rollup", 'Pss') / 1024,
               "$_-own" => field("/proc/$pid/smaps_rollup", 'Private_Dirty')
                           / 1024) } qw(worker master),
    };
}

# of the rounds' ratios to the first kind
sub ratio {
    my ($kind, $what) = @_;

    return Bench::median(map { $got{$kind}[$_]{$what}
                               / $got{$kinds[0]}[$_]{$what} }
                         0 .. $opt{rounds} - 1);
}


print "A request for a static file of 1,000 bytes: " . BURST . " at once on one"
      . " connection for the instructions, the least of " . BATCHES . " counts"
      . " of $opt{requests}; $opt{rounds} round(s) of $opt{seconds} s with 32"
      . " connections for CPU and rate, medians, of the ratios as well. By a"
      . " percent or two the sum depends on where memory happens to lie.\n\n",
      "| nginx | instructions | ratio | the module's own | CPU per request | ratio | requests/s"
      . " | ratio |\n",
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n";

for my $kind (@kinds) {
    my %m = Bench::medians($got{$kind});

    my ($all, $own) = @{ $instructions{$kind} }{qw(all own)};

    printf "| %s | %s | %.3f | %.0f | %.1f us | %.2f | %d | %.2f |\n", $kind,
           Bench::thousands(int $all + 0.5),
           $all / $instructions{$kinds[0]}{all}, $own, $m{cpu},
           ratio($kind, 'cpu'), $m{rate}, ratio($kind, 'rate');
}

print "\nPSS, and what is no other's (private and written), of one worker and"
      . " the master; wake-ups and CPU of all the worker's threads, with no"
      . " request.\n\n| nginx | worker | its own | master | its own | threads |"
      . " descriptors | wake-ups/s | CPU |\n",
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

for my $kind (@kinds) {
    my $is = $is{$kind};

    printf "| %s | %.1f MiB | %.1f MiB | %.1f MiB | %.1f MiB | %d | %d | %.1f |"
           . " %.2f ms/s |\n", $kind, @$is{qw(worker-pss worker-own master-pss
           master-own threads descriptors wakes cpu)};
}
