#!/usr/bin/env perl
# bench.pl [--seconds 4] [--rounds 5] [--connections 32] [--no-memory]
#
# Measures pass-through against a bare proxy_pass of the same POST: one worker
# of one nginx, keepalive on both sides, the same target (another nginx that
# says "return 200"), rounds of both in turn. What counts is the worker's own
# CPU time for an event, as the machine's cores are shared with wrk and target.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use Getopt::Long;
use Jamhook::Nginx;
use Time::HiRes qw(time sleep);

my %opt = (seconds => 4, rounds => 5, connections => 32, memory => 1,
           deliveries => 500);
GetOptions(\%opt, 'seconds=i', 'rounds=i', 'connections=i', 'memory!',
           'deliveries=i') or exit 2;

my $body = '{"id":"evt_12345","type":"intercom.recorder.recorded",'
           . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
           . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
           . '"recording_url":"https://jam.dev/r/rec_12345"}}';

my $events = Jamhook::Env::tmp() . '/events';

open my $fh, '>', $events or die $!;

for (1 .. 1000) {
    my ($id, $timestamp) = (Jamhook::Sign::new_id(), int time);

    print $fh join("\t", $id, $timestamp,
                   Jamhook::Sign::token('P1', $id, $timestamp, $body), $body),
              "\n";
}

close $fh;

my $sink = Bench::sink();

my $http = q{
    access_log off;
    keepalive_requests 100000000;

    upstream target {
        server 127.0.0.1:%{target};
        keepalive 256;
    }
};

my $server = q{
    location = /bare {
        proxy_http_version 1.1;
        proxy_set_header   Connection "";
        proxy_pass         http://target/fin/215470686832743;
    }

    location = /jam {
        jamhook_pass       fin;
        jamhook_verify     keys/P1.key;
        jamhook_tolerance  1d;
    }

    location /fin {
        jamhook_endpoint    fin;
        jamhook_connector   intercom_fin;
        jamhook_sign        keys/S1.key;
        jamhook_max_active  2000;
        proxy_http_version  1.1;
        proxy_set_header    Connection "";
        proxy_pass          http://target/fin/;
    }
};

my $nginx = Jamhook::Nginx->new(name => 'relay', connections => 16384,
    level => 'warn', http => $http, server => $server, target => $sink->port);

my ($worker) = $nginx->workers;


sub round {
    my ($path) = @_;

    my $url = "http://127.0.0.1:" . $nginx->port . $path;
    my $before = Bench::cpu($worker);
    my $out = `wrk -t1 -c$opt{connections} -d$opt{seconds}s \\
               -s $FindBin::Bin/events.lua $url -- $events 2>&1`;
    my $spent = Bench::cpu($worker) - $before;
    my ($requests, $us, $p99, $errors) =
        $out =~ /^result (\d+) (\d+) (\d+) (\d+)/m or die $out;

    die "$path: $errors errors\n$out" if $errors || !$requests;

    return { cpu => $spent / $requests * 1e6, p99 => $p99 / 1000,
             rate => $requests / $us * 1e6 };
}


my @kinds = (['bare proxy_pass', '/bare'], ['jamhook', '/jam']);
my %got;

for my $i (0 .. $opt{rounds}) {
    for my $kind (@kinds) {
        my $result = round($kind->[1]);

        # the first one warms up
        push @{ $got{$kind->[1]} }, $result if $i || !$opt{rounds};
    }
}

my ($bare, $jam) = @got{'/bare', '/jam'};
my $ratio = Bench::median(map { $jam->[$_]{cpu} / $bare->[$_]{cpu} }
                          0 .. $#$bare);

printf "One worker, %d connections, events of %d bytes, median of %d rounds"
       . " of %d s\n\n", $opt{connections}, length $body, scalar @$bare,
       $opt{seconds};
print "| | worker CPU per event | requests/s | p99 |\n",
      "| --- | --- | --- | --- |\n";

for my $kind (@kinds) {
    my ($name, $path) = @$kind;
    my %m;

    for my $key (qw(cpu rate p99)) {
        $m{$key} = Bench::median(map { $_->{$key} } @{ $got{$path} });
    }

    printf "| %s | %.1f us | %.0f | %.1f ms |\n", $name, @m{qw(cpu rate p99)};
}

printf "| ratio | %.2f | %.2f | |\n", $ratio,
       Bench::median(map { $jam->[$_]{rate} / $bare->[$_]{rate} }
                     0 .. $#$bare);

$nginx->stop;

exit 0 unless $opt{memory};


# memory: an idle worker with the module and without, and what each event that
# is under way takes

sub idle {
    my (%with) = @_;

    my $n = Jamhook::Nginx->new(connections => 1024, level => 'warn', %with);
    my ($pid) = $n->workers;

    # one request each, so that what is only touched by the first is there
    $n->get('/none') for 1 .. 10;

    return Bench::rss($pid);
}

my $without = idle(no_module => 1, server => 'location / { return 204; }');
my $with = idle(http => $http, server => $server, target => $sink->port);

my $hang = Jamhook::Target->new('hang');

sub under_way {
    my ($path) = @_;

    my $n = Jamhook::Nginx->new(connections => 16384, level => 'warn',
        http => $http, server => $server, target => $hang->port);
    my ($pid) = $n->workers;

    my $fill = sub {
        my ($count) = @_;
        my $have = $hang->requests;
        my @sockets;

        for (1 .. $count) {
            my $s = $n->connect;
            print $s Jamhook::event(body => $body, uri => $path);
            $s->flush;
            push @sockets, $s;
        }

        $hang->wait($have + $count, 10) >= $have + $count
            or die "not all are under way";
        return @sockets;
    };

    # the allocator's first growth is not counted
    my @few = $fill->(20);
    my $before = Bench::rss($pid);
    my @many = $fill->($opt{deliveries});
    my $after = Bench::rss($pid);

    close $_ for @few, @many;
    $n->stop('TERM');

    return ($after - $before) / $opt{deliveries};
}

my $jam_kib = under_way('/jam');
my $bare_kib = under_way('/bare');

print "\n| memory | |\n| --- | --- |\n";
printf "| idle worker without the module | %.1f MiB |\n", $without / 1024;
printf "| idle worker with it | %.1f MiB |\n", $with / 1024;
printf "| an event under way, bare proxy_pass | %.1f KiB |\n", $bare_kib;
printf "| an event under way, jamhook (request and delivery) | %.1f KiB |\n",
       $jam_kib;
