package Bench;

# What the benchmarks share: a process' CPU time and memory, and medians.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Jamhook::Env;
use POSIX ();

my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());


sub median { my @s = sort { $a <=> $b } @_; return $s[@s / 2] }


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
