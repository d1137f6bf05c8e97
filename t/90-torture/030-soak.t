# modes: plain
#
# The long run of "make soak", so short that it says nothing about what is lost
# in an hour, but that it goes; and that what judges it sees a leak.

use lib 't/lib', 't/torture';
use Test::More;
use Jamhook::Nginx;
use Samples;

sub judged {
    my ($values, %opt) = @_;

    return Samples::judge(name => 'x', values => $values, %opt)->{flat} ? 1 : 0;
}

# the memory of a worker, as it came out of a run; each of these wavers
my @flat = map { 10_400 + $_ }
           qw(0 40 12 60 8 84 20 36 72 16 52 28 44 64 24 48 32 56 4 80);

is judged(\@flat, allowed => 800), 1, 'memory that wavers is flat';
is judged([map { $flat[$_] + 60 * $_ } 0 .. $#flat], allowed => 800), 0,
   '... and is not where 60 KiB are lost in each round';
is judged([map { $flat[$_] + 30 * $_ } 0 .. $#flat], allowed => 800), 1,
   '... 30 KiB are within what is allowed';
is judged([map { $flat[$_] + 30 * $_ } 0 .. $#flat], allowed => 400), 0,
   '... where less is allowed they are not';
is judged([@flat[0 .. 9], 30_000, @flat[11 .. 19]], allowed => 800), 1,
   '... one that stands out is no leak';
is judged([map { $flat[$_] + ($_ > 9 ? 2000 : 0) } 0 .. $#flat],
          allowed => 800), 0, '... a step that stays is one';

is judged([20, 20, 21, 20], same => 1), 1, 'descriptors that are the same';
is judged([20, 20, 20, 21], same => 1), 0, '... and one that is left open';
is judged([20, 21, 22, 20], same => 1), 0, '... or many but for the last time';
is judged([20, 20], same => 1), 0, 'two values say nothing';
is judged([100, 400, 800], within => 800), 1, 'what grows within its bound';
is judged([100, 801, 400], within => 800), 0, '... and what was once above';

is +{ Samples::process($$) }->{files}, scalar(() = glob "/proc/$$/fd/*"),
   'the descriptors of a process are counted';
open my $more, '<', $0 or die $!;
is +{ Samples::process($$) }->{files}, scalar(() = glob "/proc/$$/fd/*"),
   '... one more';

my $before = { Samples::process($$) }->{rss};
my $held = 'x' x 20_000_000;
cmp_ok +{ Samples::process($$) }->{rss} - $before, '>', 15_000,
       'its memory is seen';

$ENV{SECONDS_} ||= 8;

do './t/torture/soak.pl' or die $@ || $!;
