#!/usr/bin/env perl
# idle.pl [--requests 2000] [--seconds 10] [--rounds 7] [--quick]
#
# What the module costs an nginx that has nothing to do with it: the same nginx
# without the module, with the module loaded, and with a store, a portal and
# metrics configured, but no event. What is asked for is a small static file.
#
#   instructions of a request, counted by valgrind's callgrind, which does not
#   depend on what else the machine does; requests per second, in rounds of all
#   in turn; memory, threads, descriptors and wake-ups of a worker and its master

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
    my ($nginx, $socket, $n) = @_;

    for (1 .. $n) {
        syswrite $socket, "GET /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
            or die "write: $!";
        my $answer = $nginx->read($socket, 60);
        die $answer->{raw} if $answer->{status} != 200;
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

    get($run->{nginx}, $socket, 20);
    Single::control($run, '--zero');
    get($run->{nginx}, $socket, $opt{requests});
    Single::control($run, '--dump');
    close $socket;
    Single::stop($run);

    # of the first thread, which answers
    my ($total) = Jamhook::Env::slurp("$out.1-01")
                  =~ /^(?:totals|summary): (\d+)/m or die "no dump of $kind";

    return $total / $opt{requests};
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


sub per_second {
    my ($nginx) = @_;

    my $said = `wrk -t1 -c32 -d$opt{seconds}s \\
                http://127.0.0.1:@{[ $nginx->port ]}/file.txt 2>&1`;

    return $said =~ m{^Requests/sec:\s+([\d.]+)}m ? $1 : die "wrk: $said";
}


my %instructions = map { $_ => instructions($_) } @kinds;
my %nginx = map {
    $_ => Jamhook::Nginx->new(workers => 1, connections => 1024, %{ kind($_) })
} @kinds;
my (%rate, %is);

for (1 .. $opt{rounds}) {
    push @{ $rate{$_} }, per_second($nginx{$_}) for @kinds;
}

for my $kind (@kinds) {
    my $nginx = $nginx{$kind};
    my ($worker) = $nginx->workers;
    my $before = wakes($worker);

    sleep $opt{seconds};

    my @tasks = glob "/proc/$worker/task/*";
    my @descriptors = glob "/proc/$worker/fd/*";

    $is{$kind} = {
        wakes => (wakes($worker) - $before) / $opt{seconds},
        threads => scalar @tasks,
        descriptors => scalar @descriptors,
        map { my $pid = $_ eq 'worker' ? $worker : $nginx->pid;
              ("$_-pss" => field("/proc/$pid/smaps_rollup", 'Pss') / 1024,
               "$_-own" => field("/proc/$pid/smaps_rollup", 'Private_Dirty')
                           / 1024) } qw(worker master),
    };
}

print "A request for a static file of 1,000 bytes, $opt{requests} of them one"
      . " after another on one\nconnection for the instructions,"
      . " $opt{rounds} rounds of $opt{seconds} s with 32 connections for the"
      . " rate (median).\n\n",
      "| nginx | instructions | ratio | requests/s | ratio |\n",
      "| --- | --- | --- | --- | --- |\n";

for my $kind (@kinds) {
    my ($n, $rate) = ($instructions{$kind}, Bench::median(@{ $rate{$kind} }));

    printf "| %s | %s | %.3f | %d | %.2f |\n", $kind,
           Bench::thousands(int $n + 0.5), $n / $instructions{$kinds[0]}, $rate,
           $rate / Bench::median(@{ $rate{$kinds[0]} });
}

print "\nPSS, and what is no other's (private and written), of one worker and"
      . " the master; wake-ups\nof all the worker's threads, with no request."
      . "\n\n| nginx | worker | its own | master | its own | threads |"
      . " descriptors | wake-ups/s |\n",
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n";

for my $kind (@kinds) {
    my $is = $is{$kind};

    printf "| %s | %.1f MiB | %.1f MiB | %.1f MiB | %.1f MiB | %d | %d |"
           . " %.1f |\n", $kind, @$is{qw(worker-pss worker-own master-pss
           master-own threads descriptors wakes)};
}
