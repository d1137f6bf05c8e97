# The README's pictures are there and small, and its figures can be put in by a
# command: make figures.

use strict;
use warnings;

use lib 't/lib';
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Jamhook::Env;
use Test::More;

my $readme = Jamhook::Env::slurp('README.md') . "\n";

# the pictures

my @named = $readme =~ /!\[[^\]]*\]\(([^)\s]+)\)/g;
my $sum = 0;

cmp_ok scalar @named, '>', 4, 'the README has pictures';

for my $file (@named) {
    my $bytes = Jamhook::Env::slurp($file);

    like $bytes, $file =~ /\.svg$/ ? qr/<svg .*<\/svg>\s*\z/s
                                   : qr/\A\x89PNG\r\n\x1a\n/, $file;
    cmp_ok length $bytes, '<', 150_000, '... is small';
    $sum += length $bytes;
}

cmp_ok $sum, '<', 800_000, 'all of them are';

my %is_named = map { $_ => 1 } @named;

is_deeply [grep { !$is_named{$_} } glob 't/figures/*.png t/figures/*.svg'], [],
          'none lies there that it does not show';

# where the figures go

my @names = split /\n/, `t/figures/numbers.pl --list`;
my @marks = $readme =~ /^(<!--.*-->)$/mg;

cmp_ok scalar @names, '>', 5, 'there are figures';
is_deeply [sort @marks], [sort map { ("<!-- figures: $_ -->",
                                      '<!-- end of figures -->') } @names],
          'each has its place, once';

my $wrong = 0;

for my $i (0 .. $#marks) {
    $wrong++ if ($i % 2 ? 1 : 0) != ($marks[$i] =~ /end of/ ? 1 : 0);
}

is $wrong, 0, '... which ends before the next';

# a report, and what becomes of it

my $dir = 'build/t/00-check-012-figures';

remove_tree($dir);
make_path("$dir/t/figures");

my $report = <<'END';
# jamhook, measured

To repeat it: `make bench`, on a machine that does nothing else.

| | |
| --- | --- |
| when | 2026-01-02 03:04 UTC |
| jamhook | commit abc1234 |
| processor | a fast one, 2 of them |
| memory | 8.0 GiB |
| load before | 0.01 0.02 0.03 |
| nginx | 1.22.1 |

## What one would have instead

`t/bench/rivals.pl --plots /somewhere`

These words stand in one line of the report, however long it may be, and in the README in lines of their own.

### As many as go through

| | CPU | events/s |
| --- | --- | --- |
| jamhook | 1234567.5 us | 1234567 |

![cpu](cpu.svg)

(14 s)

## Calls of the portal

`t/bench/portal.pl`

| call | calls | p50 | p95 | max | second page: p50 | p95 | max | p95 at most | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| events | 14 | 0.4 ms | 1.1 ms | 1.2 ms | 0.3 ms | 0.6 ms | 3.7 ms | 50 ms | met |
| events: type | 14 | 0.3 ms | 1.1 ms | 1.2 ms | 0.3 ms | 1.1 ms | 3.3 ms | 50 ms | met |
| an event | 13 | 0.1 ms | 0.4 ms | 0.6 ms |  |  |  | 50 ms | met |

(6 s)

END

sub put {
    my ($text, @options) = @_;

    copy('README.md', "$dir/README.md") or die $!;
    Jamhook::Env::write_file("$dir/report.md", $text) if defined $text;

    my $said = `t/figures/numbers.pl --report $dir/report.md \\
                --readme $dir/README.md @options 2>&1`;

    return ($said, Jamhook::Env::slurp("$dir/README.md") . "\n");
}

sub of {
    my ($text, $name) = @_;

    return $text =~ /^<!-- figures: \Q$name\E -->\n(.*?)^<!-- end of/ms ? $1
                                                                    : '';
}

delete $ENV{QUICK};

my ($said, $made) = put(undef);

is $?, 0, 'no report' or diag $said;
is $made, $readme, '... changes nothing';
like $said, qr/make bench/, '... and says so';

($said, $made) = put($report);
isnt $?, 0, 'a plot that is not there';
is $made, $readme, '... changes nothing';

Jamhook::Env::write_file("$dir/cpu.svg", "<svg a='b'> \n</svg>\n");
($said, $made) = put($report);
is $?, 0, 'a report' or diag $said;
is of($made, 'machine'), <<'END', 'the machine';

Measured 2026-01-02 03:04 UTC; commit abc1234; a fast one, 2 of them; 8.0 GiB of
memory; a load of 0.01 0.02 0.03 before; nginx 1.22.1.

END
is of($made, 'rivals'), <<'END', 'a part: words, tables, plots';

These words stand in one line of the report, however long it may be, and in the
README in lines of their own.

### As many as go through

| | CPU | events/s |
| --- | --- | --- |
| jamhook | 1234567.5 us | 1,234,567 |

![cpu](t/figures/cpu.svg)

END
is of($made, 'portal'), <<'END', 'of a long table not all';

| call | p50 | p95 | p95 at most | |
| --- | --- | --- | --- | --- |
| events | 0.4 ms | 1.1 ms | 50 ms | met |
| an event | 0.1 ms | 0.4 ms | 50 ms | met |

END
is of($made, $_), of($readme, $_), "not in the report, as it was: $_"
    for qw(pass idle durable nodes);
is Jamhook::Env::slurp("$dir/t/figures/cpu.svg"), "<svg a='b'>\n</svg>",
   'the plot, without blanks at its ends of lines';

my $outside = qr/^<!-- figures: .*?^<!-- end of figures -->$/ms;

is $made =~ s/$outside//gr, $readme =~ s/$outside//gr,
   'what stands outside is left alone';

my $first = $made;

copy("$dir/README.md", "$dir/again.md");
$said = `t/figures/numbers.pl --report $dir/report.md --readme $dir/again.md`;
is Jamhook::Env::slurp("$dir/again.md") . "\n", $first,
   'once more, and nothing changes';

my $short = $report =~ s/^To repeat/**The short form: it shows.**\n\nTo repeat/mr;

($said, $made) = put($short);
is $?, 0, 'a report of the short form';
is $made, $readme, '... is not taken';
($said, $made) = put($short, '--quick');
like of($made, 'machine'), qr/\A\n\*\*The short form/,
     '... but where one wants it, and then it says so';

($said, $made) = put($report =~ s/^\(6 s\)/**This part failed.**\n/mr);
isnt $?, 0, 'one of which a part failed';
is $made, $readme, '... is not taken';

like `make -n figures`, qr{numbers\.pl.*portal\.pl}s, 'make figures does both';

done_testing;
