package Plot;

# Plots as SVG, by gnuplot.

use strict;
use warnings;

use Jamhook::Env;

my @COLOURS = qw(8a8f98 1f6feb 0b3d91 c2571a b08900 2e8b57);


# Bars side by side, with their values above: [[name, value], ...], in the
# order of the colours. format: of a value, as printf's.
sub bars {
    my ($file, $title, $format, $bars) = @_;

    my @names = map { "\"$bars->[$_][0]\" $_" } 0 .. $#$bars;
    my ($most) = sort { $b <=> $a } map { $_->[1] } @$bars;
    my @data = map { "$_ $bars->[$_][1] 0x$COLOURS[$_ % @COLOURS] \""
                     . sprintf($format, $bars->[$_][1]) . '"' } 0 .. $#$bars;

    draw($file, 320, $title, join("\n",
        'set style fill solid noborder', 'set boxwidth 0.6',
        "set yrange [0:@{[ $most * 1.15 || 1 ]}]", 'set xrange [-0.6:'
        . ($#$bars + 0.6) . ']', 'set ytics format ""', 'unset ytics',
        'set border 1', 'set xtics scale 0 (' . join(', ', @names) . ')',
        'unset key', '$bars << END', @data, 'END',
        'plot $bars using 1:2:3 with boxes linecolor rgb variable, \\',
        '     $bars using 1:2:4 with labels offset 0,0.7'));
}


# Percentiles in ms, the last ones spread: [[name, [[fraction, ms], ...]], ...].
sub percentiles {
    my ($file, $title, $curves) = @_;

    my @fractions = map { $_->[0] } @{ $curves->[0][1] };
    my @tics = map { '"' . $_ * 100 . ' %%" ' . spread($_) }
               grep { $_ >= 0.5 } @fractions;
    my (@blocks, @plots);

    for my $i (0 .. $#$curves) {
        my ($name, $points) = @{ $curves->[$i] };

        push @blocks, "\$c$i << END",
             map({ spread($_->[0]) . " $_->[1]" } @$points), 'END';
        push @plots, "\$c$i with linespoints pointtype 7 pointsize 0.5"
                     . " linewidth 2 linecolor rgb"
                     . " 0x$COLOURS[$i % @COLOURS]"
                     . " title \"$name\"";
    }

    draw($file, 400, $title, join("\n",
        'set logscale y', 'set ylabel "ms"', 'set border 3',
        'set grid ytics linecolor rgb 0xdddddd',
        'set xtics nomirror (' . join(', ', @tics) . ')', 'set ytics nomirror',
        'set key left top reverse Left', @blocks,
        'plot ' . join(", \\\n     ", @plots)));
}


# 0.9, 0.99 and 0.999 are as far from each other as 0 is from 0.9
sub spread { return -log(1 - $_[0]) / log 10 }


sub draw {
    my ($file, $height, $title, $script) = @_;

    open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!";
    print $gnuplot "set terminal svg size 760,$height dynamic noenhanced"
                   . " font 'sans-serif,13' background 'white'\n"
                   . "set encoding utf8\nset output '$file'\n"
                   . "set title \"$title\"\n$script\n";
    close $gnuplot or die "gnuplot: $?";
    -s $file or die "gnuplot made no $file";
}


1;
