package Samples;

# What make soak looks at while it runs, and whether that stays as it was.
#
#   my %p = Samples::process($pid);       { rss, pss (KiB), files }, or ()
#   my @pids = Samples::by_age(@pids);    the oldest first
#   my $judged = Samples::judge(name => 'memory', unit => 'KiB',
#       values => [...], allowed => 300);    or "same => 1", "within => 9000"
#   $judged->{flat}; $judged->{line};     true or false; the same in words
#   Samples::table([head], [row], ...)    Markdown
#
# Flat: by the slope that half of all pairs of values exceed, the values do not
# grow by more than what is allowed from the first to the last. One outlier, or
# a few, change nothing in that; a leak has its part in every pair. With "same"
# the last is what the first was. With "within" none is more than that, whatever
# they do below it: for what grows to a plateau that a short run doesn't reach.

use strict;
use warnings;

use Jamhook::Env;

my $ENOUGH = 3;


sub process {
    my ($pid) = @_;

    my $rollup = Jamhook::Env::slurp("/proc/$pid/smaps_rollup");
    my ($rss) = $rollup =~ /^Rss:\s+(\d+)/m or return;
    my ($pss) = $rollup =~ /^Pss:\s+(\d+)/m;
    my @files = glob "/proc/$pid/fd/*";

    return (rss => $rss, pss => $pss, files => scalar @files);
}


sub by_age {
    my %since;

    for my $pid (@_) {
        my ($rest) = Jamhook::Env::slurp("/proc/$pid/stat") =~ /.*\) (.*)/
            or next;
        $since{$pid} = (split ' ', $rest)[19];
    }

    return sort { $since{$a} <=> $since{$b} || $a <=> $b } keys %since;
}


sub median {
    my @values = sort { $a <=> $b } grep { defined } @_;

    return undef if !@values;
    return ($values[$#values / 2] + $values[@values / 2]) / 2;
}


# from the first to the last
sub growth {
    my @values = @_;
    my @slopes;

    for my $i (0 .. $#values) {
        push @slopes, map { ($values[$_] - $values[$i]) / ($_ - $i) }
                      $i + 1 .. $#values;
    }

    return median(@slopes) * $#values;
}


sub judge {
    my (%opt) = @_;

    my @values = grep { defined } @{ $opt{values} };
    my $unit = $opt{unit} ? " $opt{unit}" : '';

    return { flat => 0, line => "$opt{name}: there is too little to judge" }
        if @values < $ENOUGH;

    my $growth = growth(@values);

    return { flat => $values[0] == $values[-1] && $growth == 0,
             growth => $growth, line => "$opt{name}: @values" }
        if $opt{same};

    if (defined $opt{within}) {
        my ($most) = sort { $b <=> $a } @values;

        return {
            flat => $most <= $opt{within},
            growth => $growth,
            line => sprintf('%s: at most %.0f%s, %.0f are allowed', $opt{name},
                            $most, $unit, $opt{within}),
        };
    }

    return {
        flat => $growth <= $opt{allowed},
        growth => $growth,
        line => sprintf('%s: %.0f%s, then %.0f; grows by %.0f in %d rounds,'
                        . ' %.0f are allowed', $opt{name}, $values[0], $unit,
                        $values[-1], $growth, scalar @values, $opt{allowed}),
    };
}


sub table {
    my ($head, @rows) = @_;

    return map { '| ' . join(' | ', map { defined $_ ? $_ : '' } @$_) . ' |' }
           $head, [('---') x @$head], @rows;
}


1;
