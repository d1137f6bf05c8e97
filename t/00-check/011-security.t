# What SECURITY.md refers to is there: chapters of the README, targets of make,
# and each file or folder that a row names as the place where it is tested.

use strict;
use warnings;

use Test::More;

sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!";
    local $/;

    return <$fh>;
}


# a heading's name in a link, as those who show Markdown make it
sub anchor {
    my ($heading) = @_;

    return lc($heading) =~ s/`//gr =~ s/[^\w\- ]//gr =~ s/ /-/gr;
}

my $text = slurp('SECURITY.md');
my %anchors = map { anchor($_) => 1 } slurp('README.md') =~ /^#+ +(.*)$/mg;
my %targets = map { map { $_ => 1 } split ' ' }
              slurp('Makefile') =~ /^(?:\.PHONY:|TESTS =)((?:.*\\\n)*.*)$/mg;

is anchor("Rotation of Jam's key"), 'rotation-of-jams-key', 'a name in a link';

# a link's text may go over the end of a line
my @links = $text =~ /\[[^\]]+\]\(([^)]+)\)/g;

cmp_ok scalar @links, '>', 5, 'there are links';

for my $link (@links) {
    my ($file, $anchor) = $link =~ /^([^#]+)(?:#(.+))?$/;

    ok -e $file, "$link: the file is there";
    ok $anchors{$anchor}, '... and the chapter'
        if defined $anchor && $file eq 'README.md';
}

my @rows = grep { !/^\| (?:threat|---) / } $text =~ /^\|.*\|$/mg;

cmp_ok scalar @rows, '>', 10, 'there are threats';

for my $row (@rows) {
    my ($threat, $answer, $tests) = map { s/^ | $//gr }
                                    (split /\|/, $row)[1 .. 3];
    my @tests = $tests =~ /`([^`]+)`/g;

    ok length $answer && @tests, "$threat: has an answer, and tests";
    is $tests =~ s/`[^`]+`(?:, )?//gr, '', '... and nothing else there';

    for my $test (@tests) {
        if ($test =~ /^make (\S+)$/) {
            ok $targets{$1}, "... $test";
            next;
        }

        # a folder of tests, or one of them
        ok $test =~ m{^t/} && (-d $test ? scalar(my @t = glob "$test/*.t")
                                        : -f $test), "... $test";
    }
}

like slurp('README.md'), qr/\]\(SECURITY\.md\)/, 'the README refers to it';

done_testing;
