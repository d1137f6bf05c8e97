#!/usr/bin/env perl
# report.pl [--quick] [--out DIR]
#           [--part rivals,bench,idle,durable,portal,nodes]
#
# All benchmarks in one run, and of what they print one report with its plots:
# DIR/report.md, in build/bench unless said otherwise. Shows what they print
# while they run. One that fails fails the run; what it said is in the report
# all the same.
#
# RIVALS, DURABLE, PORTAL and NODES_BENCH in the environment are options of
# rivals.pl, durable.pl, portal.pl and nodes.pl; QUICK=1 is --quick.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use File::Path qw(make_path);
use Getopt::Long;
use Jamhook::Env;
use POSIX qw(strftime);
use Rivals;
use Time::HiRes qw(time);

my %opt = (out => "$Jamhook::Env::TOP/build/bench",
           quick => $ENV{QUICK} ? 1 : 0);

GetOptions(\%opt, 'quick!', 'out=s', 'part=s') or exit 2;

# killed, it ends the part that runs, which ends what it started
my $running;
$SIG{$_} = sub { kill 'TERM', $running if $running; exit 1 } for qw(INT TERM);

my @parts = (
    ['rivals', 'What one would have instead', '--plots', $opt{out}],
    ['bench', 'Pass-through beside a bare proxy, and memory'],
    ['idle', 'Loaded, and idle'],
    ['durable', 'With a store'],
    ['portal', 'Calls of the portal'],
    ['nodes', 'PostgreSQL beside SQLite'],
);

my %options = (rivals => 'RIVALS', durable => 'DURABLE', portal => 'PORTAL',
               nodes => 'NODES_BENCH');

# bench.pl has no short form of its own
my %quick = (bench => '--seconds 1 --rounds 0 --deliveries 50');

if (defined $opt{part}) {
    my %want = map { $_ => 1 } split /,/, $opt{part};
    @parts = grep { delete $want{$_->[0]} } @parts;
    die "no such part: ", join(', ', sort keys %want), "\n" if %want;
}

make_path($opt{out});

# what an earlier run said is not what this one says
unlink "$opt{out}/report.md", glob "$opt{out}/*.svg";

my $file = "$opt{out}/report.md";
my @failed;

open my $report, '>', "$file.new" or die "$file.new: $!";
$report->autoflush(1);

put(head());

for my $part (@parts) {
    my ($name, $title, @args) = @$part;
    my $more = $ENV{$options{$name} || ''};

    push @args, split ' ', $quick{$name} || '--quick' if $opt{quick};
    push @args, split ' ', $more if defined $more;

    my $start = time;

    put("## $title\n\n`t/bench/$name.pl"
        . join('', map { " $_" } grep { $_ ne $opt{out} && $_ ne '--plots' }
                             @args) . "`\n\n");

    if (run("$FindBin::Bin/$name.pl", @args)) {
        push @failed, $name;
        put("\n**This part failed.**\n\n");
    }

    put(sprintf "\n(%.0f s)\n\n", time - $start);
}

close $report or die "$file.new: $!";
rename "$file.new", $file or die "$file: $!";

print "the report: $file\n";
die "failed: @failed\n" if @failed;


sub put {
    print @_;
    print $report @_;
}


# Its sections are one lower than ours. True: it failed.
sub run {
    $| = 1;

    $running = open my $said, '-|', @_ or die "$_[0]: $!";

    while (my $line = <$said>) {
        put($line =~ s/^## /### /r);
    }

    close $said;
    undef $running;

    return $?;
}


sub first { return $_[0] =~ $_[1] ? $1 : 'unknown' }


sub head {
    my $cpu = Jamhook::Env::slurp('/proc/cpuinfo');
    my $cores = () = $cpu =~ /^processor\s*:/mg;
    my $memory = first(Jamhook::Env::slurp('/proc/meminfo'),
                       qr/^MemTotal:\s+(\d+)/m);
    my $system = first(Jamhook::Env::slurp('/etc/os-release'),
                       qr/^PRETTY_NAME="?([^"\n]+)/m);
    my $commit = `git -C $Jamhook::Env::TOP describe --always --dirty 2>&1`;
    my %version = Rivals::versions();

    chomp $commit;
    $commit = 'unknown' if $?;

    my @rows = (
        ['when', strftime('%Y-%m-%d %H:%M UTC', gmtime)],
        ['jamhook', "commit $commit"],
        ['processor', first($cpu, qr/^model name\s*:\s*(.*)/m) . ", $cores of"
                      . ' them, shared by the sender, what is measured, and'
                      . ' the target'],
        ['memory', $memory =~ /\d/ ? sprintf('%.1f GiB', $memory / 1024 ** 2)
                                   : $memory],
        ['kernel', join ' ', (POSIX::uname())[0, 2]],
        ['system', $system],
        ['load before', join ' ', (split ' ',
                        Jamhook::Env::slurp('/proc/loadavg'))[0 .. 2]],
        map { [$_, defined $version{$_} ? $version{$_} : 'unknown'] }
            sort { lc $a cmp lc $b } keys %version,
    );

    return join '', "# jamhook, measured\n\n",
        $opt{quick} ? "**The short form: it shows that all of it runs. Its"
                      . " figures mean little.**\n\n" : (),
        'To repeat it: `make bench', $opt{quick} ? ' QUICK=1' : '',
        "`, on a machine that does nothing else. All of it is on loopback, and",
        " nothing leaves the machine.\n\n",
        "| | |\n| --- | --- |\n", map({ "| $_->[0] | $_->[1] |\n" } @rows),
        "\n";
}
