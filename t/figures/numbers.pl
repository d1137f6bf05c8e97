#!/usr/bin/env perl
# numbers.pl [--report build/bench/report.md] [--readme README.md] [--quick]
#            [--list]
#
# Puts what "make bench" measured into the README: what stands between
#
#   <!-- figures: NAME -->
#   <!-- end of figures -->
#
# is made anew of the report, its plots are copied to where this file is. What
# stands outside is left alone. A part that the report does not have keeps the
# figures that it has; a report of a part that failed is not taken, and one of
# the short form (make bench QUICK=1) only with --quick, for its figures mean
# little. No report: says so, and changes nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Basename qw(dirname);
use Getopt::Long;
use Jamhook::Env;

my %opt = (report => "$Jamhook::Env::TOP/build/bench/report.md",
           readme => "$Jamhook::Env::TOP/README.md",
           quick => $ENV{QUICK} ? 1 : 0);

GetOptions(\%opt, 'report=s', 'readme=s', 'quick!', 'list') or exit 2;

# The names, and the parts of the report that they are of; "tables": of a table
# whose first column has that name not all rows or columns, for a README is no
# report.
my %blocks = (
    machine => {},
    rivals => {},
    pass => { part => 'bench' },
    idle => {},
    durable => {},
    nodes => {},
    portal => { tables => { call => {
        columns => ['call', 'p50', 'p95', 'p95 at most', ''],
        rows => qr{^(?:events | events:[ ](?:conversation_id[ ]of[ ]many
                    |state[ ]failed |since,[ ]until |endpoint[ ]audit
                    |type,[ ]endpoint.*) | attempts:[ ]since,[ ]until
                    |an[ ]event |endpoints |stats[ ]of[ ]30d |metrics)$}x,
    } } },
);

if ($opt{list}) {
    print map { "$_\n" } sort keys %blocks;
    exit 0;
}

if (!-e $opt{report}) {
    print "no $opt{report}: the README's figures stay as they are; \"make"
          . " bench\" measures\n";
    exit 0;
}

my $report = Jamhook::Env::slurp($opt{report}) . "\n";
my $readme = Jamhook::Env::slurp($opt{readme}) . "\n";

if ($report =~ /^\*\*The short form/m && !$opt{quick}) {
    print "$opt{report} is of the short form, whose figures mean little: the"
          . " README's stay as\nthey are; QUICK=1 takes them all the same\n";
    exit 0;
}

die "$opt{report}: a part failed\n" if $report =~ /^\*\*This part failed/m;

my %part = parts($report);
my @plots;

for my $name (sort keys %blocks) {
    my ($open, $end) = ("<!-- figures: $name -->\n",
                        "<!-- end of figures -->\n");
    my $part = $part{$blocks{$name}{part} || $name};

    if (!defined $part) {
        print "not in the report: $name\n";
        next;
    }

    my $text = $name eq 'machine' ? machine($part)
                                  : text($part, $blocks{$name});

    $readme =~ s/^\Q$open\E.*?^(?=\Q$end\E)/$open\n$text\n/ms
        or die "$opt{readme} has no \"figures: $name\"\n";
}

copy_plot($_) for @plots;

Jamhook::Env::write_file("$opt{readme}.new", $readme, 0644);
rename "$opt{readme}.new", $opt{readme} or die "$opt{readme}: $!\n";

print "$opt{readme} has the figures of $opt{report}\n";


# by the name of their script; what comes before the first is "machine"
sub parts {
    my ($text) = @_;

    my ($head, @rest) = split /^(?=## )/m, $text;
    my %found = (machine => $head);

    for (@rest) {
        s{\A## [^\n]*\n\n`t/bench/(\w+)\.pl[^\n]*\n}{}
            or die "$opt{report}: what is this part?\n" . substr $_, 0, 80;
        my $name = $1;

        s/^\(\d+ s\)\n//m;
        $found{$name} = $_;
    }

    return %found;
}


# the table of the report's head, as a paragraph
sub machine {
    my ($text) = @_;

    my @rows = $text =~ /^\| (\S.*?) \| (.*) \|$/mg;
    my (@about, @versions);

    while (my ($name, $value) = splice @rows, 0, 2) {
        next if $name eq '---';

        if ($name =~ /^(?:when|processor|memory|kernel|system|load before)$/) {
            push @about, $name eq 'memory' ? "$value of memory"
                         : $name eq 'load before' ? "a load of $value before"
                         : $value;

        } elsif ($name eq 'jamhook') {
            push @about, $value;

        } else {
            push @versions, "$name $value";
        }
    }

    die "$opt{report}: no machine in it\n" unless @about && @versions;

    return ($text =~ /^(\*\*The short form.*)$/m ? "$1\n\n" : '')
           . fill('Measured ' . join('; ', @about) . '; '
                  . join(', ', @versions) . '.');
}


sub text {
    my ($text, $block) = @_;

    my @out;

    for my $piece (split /\n{2,}/, $text) {
        $piece =~ s/\A\n+|\n+\z//g;
        next unless length $piece;

        if ($piece =~ /^\|/) {
            push @out, table($piece, $block->{tables} || {});

        } elsif ($piece =~ /^!\[(\w+)\]\((\w+)\.svg\)$/) {
            push @plots, $2;
            push @out, "![$1](t/figures/$2.svg)\n";

        } elsif ($piece =~ /^#/) {
            push @out, "$piece\n";

        } else {
            push @out, fill($piece);
        }
    }

    return join "\n", @out;
}


sub table {
    my ($text, $tables) = @_;

    my @rows = map { [map { s/^ +| +$//gr } split /\|/, s/^\||\|$//gr, -1] }
               split /\n/, $text;
    my $of = $tables->{$rows[0][0]};

    if ($of) {
        my @names = @{ $rows[0] };
        my @columns = map { my $name = $_;
                            my ($i) = grep { $names[$_] eq $name } 0 .. $#names;
                            defined $i ? $i : die "$opt{report}: no column"
                                                  . " \"$name\"\n" }
                      @{ $of->{columns} };
        my ($head, $line, @body) = @rows;

        @body = grep { $_->[0] =~ $of->{rows} } @body;
        die "$opt{report}: no row of \"$names[0]\"\n" unless @body;
        @rows = map { [@$_[@columns]] } $head, $line, @body;
    }

    for my $row (@rows) {
        /^\d{4,}$/ and $_ = reverse join ',', unpack '(A3)*', reverse $_
            for @$row;
    }

    return join '', map { ('| ' . join(' | ', @$_) . " |\n") =~ s/  +/ /gr }
                    @rows;
}


# lines of at most 80 columns
sub fill {
    my @words = split ' ', $_[0];
    my @lines = shift @words;

    for my $word (@words) {
        if (length("$lines[-1] $word") <= 80) {
            $lines[-1] .= " $word";

        } else {
            push @lines, $word;
        }
    }

    return join '', map { "$_\n" } @lines;
}


# beside this file, and without the blanks that gnuplot leaves at ends of lines
sub copy_plot {
    my ($name) = @_;

    my $svg = Jamhook::Env::slurp(dirname($opt{report}) . "/$name.svg");

    die "no plot $name.svg beside $opt{report}\n" unless $svg =~ /<svg /;

    $svg =~ s/[ \t]+$//mg;
    Jamhook::Env::write_file(dirname($opt{readme}) . "/t/figures/$name.svg",
                             "$svg\n", 0644);
}
