#!/usr/bin/env perl
# profile.pl [--path bare,pass] [--events 1000] [--connections 32] [--top 30]
#            [--no-calls] [--functions REGEX] [--keep DIR] [--nginx FILE]
#            [--quick]
#
# Where the time of an event goes: instructions by function, counted by
# valgrind's callgrind, and system calls, counted by strace. Neither depends on
# what else the machine does, so two runs can be compared. Paths:
#
#   bare     a bare proxy_pass of the same POST: the floor
#   pass     jamhook without a store
#   durable  jamhook with a store on disk; of all threads, until all is
#            delivered
#
# One nginx of one process each, keepalive on both sides, the same target and
# the same events as in bench.pl; some events go first and are not counted.
# Events come in bursts, one for each connection.
#
# What it does not see: what the kernel does in a system call, caches, and that
# valgrind has no SHA instructions: a SHA-256 costs about ten times as many
# instructions here as on a processor that has them.
#
# Names of nginx's static functions are there only with an nginx that has its
# symbols, which Debian's has not: "make profile" builds one from the same
# source, with the module inside, and says --nginx for it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use File::Path qw(make_path remove_tree);
use Getopt::Long;
use Jamhook::Nginx;
use Jamhook::Store;
use Single;
use Time::HiRes qw(time sleep);

my %opt = (path => 'bare,pass', events => 1000, connections => 32, top => 30,
           calls => 1, functions => '.');
my @spec = ('path=s', 'events=i', 'connections=i', 'top=i', 'calls!',
            'functions=s', 'keep=s', 'nginx=s', 'quick');
my @args = @ARGV;

GetOptions(\%opt, @spec) or exit 2;

if ($opt{quick}) {
    @opt{qw(events connections top)} = (64, 8, 10);

    # what is written out goes before it
    @ARGV = @args;
    GetOptions(\%opt, @spec) or exit 2;
}

my $body = '{"id":"evt_12345","type":"intercom.recorder.recorded",'
           . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
           . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
           . '"recording_url":"https://jam.dev/r/rec_12345"}}';

if ($opt{nginx}) {
    $Jamhook::Env::NGINX = $Jamhook::Env::REAL_NGINX = $opt{nginx};
    $Jamhook::Env::MODULE = '';
}

my @paths = split /,/, $opt{path};
my $tmp = Jamhook::Env::tmp();
my $started = 0;

for (@paths) {
    die "unknown path \"$_\"\n" unless /\A(?:bare|pass|durable)\z/;
}


my $sink = Bench::sink();


# An nginx of one process, run by this command.
sub start {
    my ($path, @by) = @_;

    my $serial = $started++;
    my $store = Jamhook::Store->new("$tmp/store-$path-$serial")
        if $path eq 'durable';

    my $run = Single::start({ name => "$path-$serial", target => $sink->port,
        max_active => 64, dead => Jamhook::Env::refused_port(),
        http => Bench::relay_http($store), server => Bench::relay_server() },
        @by);

    return { %$run, store => $store, path => $path };
}


# Sends this many events, in bursts of one for each connection.
sub send_events {
    my ($run, $n) = @_;

    my $uri = $run->{path} eq 'bare' ? '/bare' : '/jam';
    my $sockets = $run->{sockets} ||=
        [map { $run->{nginx}->connect } 1 .. $opt{connections}];

    while ($n > 0) {
        my @burst = @$sockets[0 .. ($n < @$sockets ? $n : @$sockets) - 1];

        for my $s (@burst) {
            syswrite $s, event($uri) or die "write: $!";
        }

        for my $s (@burst) {
            my $answer = $run->{nginx}->read($s, 120);
            die "$uri: $answer->{raw}" if $answer->{status} != 200;
        }

        $n -= @burst;
    }

    Bench::wait_drained($run->{store}, 120) if $run->{store};
}


sub event {
    my ($uri) = @_;

    my ($id, $now) = (Jamhook::Sign::new_id(), int time);

    return join "\r\n", "POST $uri HTTP/1.1", 'Host: localhost',
        'Content-Length: ' . length $body, 'Content-Type: application/json',
        "svix-id: $id", "svix-timestamp: $now",
        'svix-signature: ' . Jamhook::Sign::token('P1', $id, $now, $body), '',
        $body;
}


# { total, self => { function => n }, all => { ... } }: instructions per event
sub instructions {
    my ($path) = @_;

    my $out = "$tmp/callgrind-$path";
    my $run = start($path, 'valgrind', '--tool=callgrind', '-q',
                    '--separate-threads=no', "--callgrind-out-file=$out");

    # a first one for each connection, and what a worker does once
    send_events($run, 3 * $opt{connections});
    Single::control($run, '--zero');
    send_events($run, $opt{events});
    Single::control($run, '--dump');
    Single::stop($run);

    # dump 1; what is in $out is that of the rest
    my ($dump) = grep { -s } "$out.1" or die "no dump of $path";
    my %got;

    for (['self', 'no'], ['all', 'yes']) {
        my ($kind, $inclusive) = @$_;
        my @said = `callgrind_annotate --inclusive=$inclusive --auto=no \\
                    --threshold=100 --show-percs=no $dump 2>&1`;

        die "callgrind_annotate: @said" if $?;

        for (@said) {
            next unless /^\s*([\d,]+)\s+(\S+:.*|PROGRAM TOTALS.*)$/;

            my ($n, $what) = ($1, $2);

            $n =~ tr/,//d;

            if ($what =~ /^PROGRAM TOTALS/) {
                $got{total} = $n / $opt{events};
                next;
            }

            # a thread's first functions, which have the whole for their own
            next if $what =~ /:(?:\(below\ main\)|main|clone|start_thread
                              |__libc_start\S*)(?:\s|$)|\[.*\/ld-linux/x;

            # file:function [object]
            $what =~ s/ \[([^\]]*)\]$//;
            my $object = $1 || '';

            $what =~ s/^.*?:(?=[^:\/]+$)//;
            $what =~ s/'\d+$//;
            $what =~ s/^0x[0-9a-f]+$/'(' . $object =~ s{.*\/}{}r . ')'/e;

            my $of = $got{$kind}{$what} || 0;
            $n /= $opt{events};
            $got{$kind}{$what} = $kind eq 'self' ? $of + $n
                                                 : $of > $n ? $of : $n;
        }
    }

    if ($opt{keep}) {
        make_path($opt{keep});
        rename $dump, "$opt{keep}/callgrind.out.$path";
    }

    return \%got;
}


# ({ name => per event }, page faults per event)
sub calls {
    my ($path) = @_;

    my $out = "$tmp/strace-$path";
    my $run = start($path);

    send_events($run, 3 * $opt{connections});

    my $faults = faults($run);
    my $strace = fork;
    die "fork: $!" unless defined $strace;

    if ($strace == 0) {
        open STDERR, '>', "$out.said";
        exec 'strace', '-f', '-c', '-U', 'calls,name', '-o', $out, '-p',
             $run->{pid};
        die "strace: $!";
    }

    Single::also($strace);

    Jamhook::Env::wait_for(sub {
        Jamhook::Env::slurp("/proc/$run->{pid}/status")
            =~ /^TracerPid:\s+$strace$/m
    }) or die "strace: " . Jamhook::Env::slurp("$out.said");

    sleep 0.2;
    send_events($run, $opt{events});

    kill 'TERM', $strace;
    waitpid $strace, 0;
    Single::forget($strace);
    $faults = faults($run) - $faults;
    Single::stop($run);

    my %calls;

    for (split /\n/, Jamhook::Env::slurp($out)) {
        next unless /^\s*(\d+)\s+(\w+)\s*$/ && $2 ne 'total';
        $calls{$2} = $1 / $opt{events};
    }

    return (\%calls, $faults / $opt{events});
}


# pages that the kernel had to give it so far
sub faults {
    my ($run) = @_;

    my @f = split ' ',
            Jamhook::Env::slurp("/proc/$run->{pid}/stat") =~ s/^.*\) //r;

    return $f[7];
}


sub number {
    my ($n) = @_;

    return ($n < 0 ? '-' : '') . Bench::thousands(sprintf '%.0f', abs $n);
}


# a table: a row each, of the paths a column each, and of the last path and the
# first the difference
sub table {
    my ($title, $rows, $format, @names) = @_;

    my @differ = @paths > 1 ? ("$paths[-1] - $paths[0]") : ();

    print "\n| $title | ", join(' | ', @paths, @differ), " |\n| ",
          join(' | ', ('---') x (1 + @paths + @differ)), " |\n";

    for my $name (@names) {
        my @n = map { $rows->{$_}{$name} || 0 } @paths;

        push @n, $n[-1] - $n[0] if @differ;
        print '| ', join(' | ', $name, map { $format->($_) } @n), " |\n";
    }
}


# the names with the largest value in any path
sub top {
    my ($rows, $n) = @_;

    my %most;

    for my $row (values %$rows) {
        for (keys %$row) {
            $most{$_} = $row->{$_} if $row->{$_} > ($most{$_} || 0);
        }
    }

    my @names = grep { /$opt{functions}/ } sort {
        $most{$b} <=> $most{$a} || $a cmp $b } keys %most;

    return @names > $n ? @names[0 .. $n - 1] : @names;
}


my (%count, %calls, %faults);

for my $path (@paths) {
    $count{$path} = instructions($path);
    ($calls{$path}, $faults{$path}) = calls($path) if $opt{calls};
}

printf "One process, %d connections, %d events of %d bytes; for each event:\n",
       $opt{connections}, $opt{events}, length $body;
print "\n| | instructions | ratio |",
      $opt{calls} ? " system calls | page faults |" : '',
      "\n| --- | --- | --- |", $opt{calls} ? " --- | --- |" : '', "\n";

for my $path (@paths) {
    my $sum = 0;
    $sum += $_ for values %{ $calls{$path} || {} };

    printf "| %s | %s | %.2f |%s\n", $path, number($count{$path}{total}),
           $count{$path}{total} / $count{$paths[0]}{total},
           $opt{calls} ? sprintf(" %.2f | %.2f |", $sum, $faults{$path}) : '';
}

if ($opt{calls}) {
    my %few = map { $_ => { %{ $calls{$_} } } } @paths;

    for my $row (values %few) {
        delete @$row{grep { $row->{$_} < 0.005 } keys %$row};
    }

    table('system call', \%few, sub { sprintf '%.2f', $_[0] },
          top(\%few, 1000));
}

my %self = map { $_ => $count{$_}{self} } @paths;
my %all = map { $_ => $count{$_}{all} } @paths;

table('function, by itself', \%self, \&number, top(\%self, $opt{top}));
table('function, with what it calls', \%all, \&number, top(\%all, $opt{top}));
