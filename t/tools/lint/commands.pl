#!/usr/bin/env perl
# commands.pl TREE [FILE ...]
#
# Makes compile_commands.json of what lint.sh noted. A file has one command, its
# first, but a test that is built for each store has both.

use strict;
use warnings;

use Cwd qw(getcwd abs_path);
use JSON::PP;

my ($tree, @only) = @ARGV;
my $top = getcwd();
my $noted = "$ENV{LINT_DIR}/noted";
my %only = map { abs_path($_) => 1 } @only;

my (@commands, %seen);


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return <$fh>;
}


sub command {
    my ($where, @args) = @_;

    my ($file) = grep { /\.c$/ } @args;
    my ($store) = grep { $_ eq '-DSTORE_PGSQL' } @args;

    return if !defined $file;
    return if !$only{$file} && $file !~ m{^\Q$top\E/(?!build/)};
    return if $seen{"$file " . ($store // '')}++;

    $seen{$file}++;

    return if @only && !$only{$file};

    # the output is nobody's, and one compiler's warnings and sanitizers are not
    # the other's
    for (my $i = 0; $i < @args; $i++) {
        splice @args, $i--, 2 if $args[$i] eq '-o';
    }

    push @commands, {
        directory => $where,
        file => $file,
        arguments => ['cc', grep {
            !/^-W(?:no-)?error/i && !/^-f(?:no-)?sanitize/ } @args],
    };
}


for my $line (split /(?<!\\)\n/, slurp("$noted/module")) {
    my (undef, @args) = split /(?:\s|\\\n)+/, $line =~ s/^\s+//r;

    command($tree, @args) if grep { $_ eq '-c' } @args;
}

my @unit;

for my $part (qw(tool unit fuzz)) {
    for my $file (glob "$noted/$part.*") {
        my @args = split /\n/, slurp($file);

        command($top, @args);
        @unit = grep { !/\.c$/ && $_ ne '-DSTORE_PGSQL' } @args
            if $part eq 'unit';
    }
}

for my $file (split /\n/, `git ls-files --cached --others --exclude-standard`) {
    next unless $file =~ /\.c$/ && -f $file && !$seen{"$top/$file"};
    command($top, @unit, "$top/$file");
}

for my $file (sort keys %only) {
    command($top, @unit, $file) if !$seen{$file};
}

die "no C file\n" if !@commands;

print JSON::PP->new->canonical->pretty->encode(\@commands);
