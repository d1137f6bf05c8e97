package Bench;

# What the benchmarks share: the sender of events, a process' CPU time and
# memory, what the disk does, and medians.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Jamhook::Env;
use Jamhook::Nginx ();
use POSIX ();
use Time::HiRes qw(time sleep);

my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my $IDS = 500_000;      # numbers of one load
my $next = 1;
my ($rate, @fsync);


sub thousands { return scalar reverse join ',', unpack '(A3)*', reverse $_[0] }
sub median { my @s = sort { $a <=> $b } @_; return $s[@s / 2] }


# of each key of these hashes
sub medians {
    my ($results) = @_;

    return map { my $key = $_;
                 $key => median(map { $_->{$key} } @$results) }
           keys %{ $results->[0] };
}


# the program, built
sub rate {
    return $rate if $rate;

    $rate = Jamhook::Env::tmp() . '/rate';

    system($ENV{CC} || 'cc', '-O2', '-Wno-deprecated-declarations', '-o',
           $rate, "$FindBin::Bin/rate.c", '-lcrypto') == 0
        or die "rate.c does not build";

    return $rate;
}


# Begins to send signed events, no id twice; target: a port to be the target on.
sub start_load {
    my ($port, $path, $connections, $seconds, $per_second, $target) = @_;

    my @command = (rate(), 'send', $port, $path, $Jamhook::Sign::KEYS{P1},
                   $connections, $seconds, $per_second, $next, $target || 0);

    # others may begin before it ends
    $next += $IDS;

    open my $said, '-|', @command or die "rate: $!";

    return { said => $said, path => $path };
}


# Waits for its end: what rate said, times in microseconds.
sub end_load {
    my ($sending) = @_;

    my $line = readline $sending->{said};
    close $sending->{said};

    die "rate: $?" if $? || !defined $line || $line !~ /^sent=/;

    my %got = $line =~ /(\w+)=(\d+)/g;

    die "more than $IDS events" if $got{sent} > $IDS;
    die "$sending->{path}: $line"
        if $got{errors} || $got{answered} < $got{sent};

    return \%got;
}


# Nothing of "fin" is due or under way. Only through indexes of what is.
sub wait_drained {
    my ($store, $seconds) = @_;

    my $sql = q{
        select exists (select 1 from deliveries d where state = 1
                       and endpoint = (select id from endpoints
                                       where name = 'fin'))
            or exists (select 1 from deliveries where state = 0
                       and endpoint = (select id from endpoints
                                       where name = 'fin')
                       and class in (0, 1)
                       and next_at < (strftime('%s') + 60) * 1000) as n};

    my $until = time + $seconds;

    while ($store->value($sql)) {
        die "not all is delivered" if time > $until;
        sleep 0.005;
    }
}


# What one fdatasync() takes, n of them; remembered until it is said.
sub note_fsync {
    my ($dir, $n) = @_;

    my %got = `@{[ rate() ]} fsync $dir $n` =~ /(\w+)=(\d+)/g;

    push @fsync, { map { $_ => $got{$_} / 1000 } qw(p50 p99) };
}


sub say_fsync {
    my %m = medians(\@fsync);

    printf "\nOne fdatasync() of 4 KiB in the store's directory, between the"
           . " rounds: median %.2f ms, p99 %.2f ms.\n\n", @m{qw(p50 p99)};
    @fsync = ();
}


# seconds, of all threads
sub cpu {
    my ($pid) = @_;

    my @f = split ' ', Jamhook::Env::slurp("/proc/$pid/stat") =~ s/^.*\) //r;

    return ($f[11] + $f[12]) / $tick;
}


# (seconds of the first thread, of all the others)
sub cpu_by_thread {
    my ($pid) = @_;

    my @seconds = (0, 0);

    for my $task (glob "/proc/$pid/task/*") {
        my ($ns) = split ' ', Jamhook::Env::slurp("$task/schedstat");
        my @f = split ' ', Jamhook::Env::slurp("$task/stat") =~ s/^.*\) //r;

        # a kernel without schedstat
        my $s = $ns ? $ns / 1e9 : @f ? ($f[11] + $f[12]) / $tick : 0;

        $seconds[$task =~ m{/$pid\z} ? 0 : 1] += $s;
    }

    return @seconds;
}


# the same, of several processes
sub cpu_of {
    my @sum = (0, 0);

    for my $pid (@_) {
        my @one = cpu_by_thread($pid);
        $sum[$_] += $one[$_] for 0, 1;
    }

    return @sum;
}


# a target that is never what is waited for
sub sink {
    return Jamhook::Nginx->new(name => 'target', no_module => 1,
        level => 'crit', connections => 8192, http => q{
            access_log off;
            keepalive_requests 100000000;
            default_type application/json;
        }, server => q{
            location / { return 200 '{"ok":true}'; }
        });
}


# An nginx that stores and delivers: what stands in http, and in its server.
# With "target", the target's port, "dead", that of a second endpoint, and
# "max_active".

sub relay_http {
    my ($store) = @_;

    return ($store ? $store->line : '') . q{
            access_log off;
            keepalive_requests 100000000;

            upstream target {
                server 127.0.0.1:%{target};
                keepalive 256;
            }
        };
}


sub relay_server {
    return q{
            location = /bare {
                proxy_http_version 1.1;
                proxy_set_header   Connection "";
                proxy_pass         http://target/fin/215470686832743;
            }

            location = /jam {
                jamhook_pass    fin;
                jamhook_verify  keys/P1.key;
            }

            location = /idle {
                jamhook_pass    dead;
                jamhook_verify  keys/P1.key;
            }

            location /fin {
                jamhook_endpoint    fin;
                jamhook_connector   intercom_fin;
                jamhook_sign        keys/S1.key;
                jamhook_max_active  %{max_active};
                proxy_http_version  1.1;
                proxy_set_header    Connection "";
                proxy_pass          http://target/fin/;
            }

            location /dead {
                jamhook_endpoint    dead;
                jamhook_connector   intercom_fin;
                jamhook_sign        keys/S1.key;
                jamhook_max_active  %{max_active};
                proxy_pass          http://127.0.0.1:%{dead}/dead/;
            }
        };
}


# KiB
sub rss {
    my ($pid) = @_;

    my ($kib) = Jamhook::Env::slurp("/proc/$pid/smaps_rollup")
                =~ /^Rss:\s+(\d+)/m;

    return $kib;
}


# KiB, the most there ever was
sub peak {
    my ($pid) = @_;

    my ($kib) = Jamhook::Env::slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;

    return $kib;
}


1;
