# What can be said about the text of the repository without reading it.

use strict;
use warnings;

use Test::More;

my @files = grep { -f } split /\n/,
            `git ls-files --cached --others --exclude-standard`;

cmp_ok scalar @files, '>', 10, 'git lists the files';

my @texts = grep { !m{\.(png|lock)$|package-lock\.json$} && -T }
            grep { !m{^t/fuzz/(?:seeds|found)/} } @files;
my @code = grep { m{^(src/|t/(?:unit|fuzz)/)?[^/]*\.[ch]$|^src/.*\.[ch]$} } @files;

sub lines_with {
    my ($pattern, @where) = @_;

    my @found;

    for my $file (@where) {
        open my $fh, '<', $file or die "$file: $!";

        while (<$fh>) {
            push @found, "$file:$.: $_" if /$pattern/;
        }
    }

    return @found;
}

sub none {
    my ($name, @found) = @_;

    is scalar @found, 0, $name or diag @found;
}

cmp_ok scalar @code, '>', 0, 'there is code';

none('no line of code over 80 columns', lines_with(qr/^.{81}/, @code));
none('no tab in code', lines_with(qr/\t/, @code));
none('no blank at the end of a line',
     lines_with(qr/[ \t]\r?$/, grep { !m{^t/.*\.t$} && !/\.md$/ } @texts));
none('no carriage return', lines_with(qr/\r/, @texts));
none('no last newline missing', grep {
    open my $fh, '<', $_ or die $!;
    my $end = '';
    seek $fh, -1, 2 and read $fh, $end, 1;
    $end ne "\n" && -s $_;
} @texts);

my $words = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' . 'XX', 'HA' . 'CK';
none('nothing put off', lines_with(qr/\b(?:$words)\b/,
                                   grep { !/\.md$/ && !m{^t/data/} } @texts));
none('no block left alone',
     lines_with(qr/^--- (?:ONLY|SKIP|LAST)\b/, grep { m{^t/} } @texts));
none('no registry is named', lines_with(
     qr{"resolved": *"http|https?://[\w.-]+/debian|deb\.debian|registry\.npm},
     grep { $_ ne 't/00-check/003-style.t' } @files));
none('no path of one machine', lines_with(
     qr{(?<![\w.])/(?:wor[k]|far[m]|roo[t])/}, @texts));

my $known = qr{^(?:\.\w[^/]*|ngx_http_jamhook_module\.c|config|src|t|README\.md
               |LICENSE|Makefile|CHANGES\.md|SECURITY\.md)$}x;
my %top = map { (split m{/})[0] => 1 } @files;
none('nothing new at the top', map { "$_\n" } grep { !/$known/ } sort keys %top);

none('C files carry the prefix', map { "$_\n" }
     grep { m{^src/} && !m{/ngx_http_jamhook[^/]*$} } @code);

none('scripts can be run', map { "$_\n" }
     grep { m{^(?:\.ci/run$|t/tools/.*\.sh$)} && !m{/apt\.sh$} && !-x } @files);

done_testing;
