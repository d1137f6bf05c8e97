#!/usr/bin/env perl
# findings.pl JOBS all|some TOOL ...
#
# Runs the tools over the files of $LINT_DIR/compile_commands.json, and shows what
# they say but for what is in "suppressed", which see for its form. With
# "all", a suppression that nothing needs is a finding too.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use FindBin;
use JSON::PP;

my ($jobs, $which, @tools) = @ARGV;
my $top = getcwd();
my $dir = $ENV{LINT_DIR};

my %run = (
    'clang-tidy' => \&clang_tidy,
    cppcheck => \&cppcheck,
    gcc => \&gcc,
);

my $commands = decode_json(slurp("$dir/compile_commands.json"));
my @suppressed = suppressions($ENV{LINT_SUPPRESSED}
                              || "$FindBin::Bin/suppressed");
my (@rows, $bad);

for my $tool (@tools) {
    die "unknown tool \"$tool\"\n" if !$run{$tool};
    push @rows, look($tool);
}

if ($which eq 'all') {
    for my $s (@suppressed) {
        next if $s->{used} || !grep { $_ eq $s->{tool} } @tools;

        print "$s->{where}: nothing needs this suppression\n";
        $bad++;
    }
}

my $form = "%-12s %8s %9s %11s %8s\n";
printf $form, qw(tool files findings suppressed seconds);
printf $form, @$_ for @rows;

exit($bad ? 1 : 0);


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$fh>;
}


# why, in lines that begin with "#", then what, one a line

sub suppressions {
    my ($file) = @_;

    my @all;
    my ($n, $why) = (0, 0);

    for (split /\n/, slurp($file)) {
        $n++;

        if (/^\s*$/) {
            $why = 0 if $why == 2;

        } elsif (/^#/) {
            $why = 1;

        } else {
            my ($tool, $check, $path, $text) = split ' ', $_, 4;

            die "$file:$n: without a reason\n" if !$why;
            die "$file:$n: tool, check and file\n" if !defined $path;

            $why = 2;

            push @all, { where => "$file:$n" =~ s{^\Q$top\E/}{}r,
                         tool => $tool, check => $check, text => $text,
                         path => join '.*', map { quotemeta }
                                                split /\*/, $path, -1 };
        }
    }

    return @all;
}


sub look {
    my ($tool) = @_;

    remove_tree("$dir/$tool");
    make_path("$dir/$tool");

    my $start = time;
    my @of = $tool eq 'clang-tidy' ? once(@$commands) : @$commands;
    my (%running, @said, $i);

    for my $command (@of) {
        if (is_suppressed($tool, { check => '*', line => 1, file =>
                          $command->{file} =~ s{^\Q$top\E/}{}r }))
        {
            next;
        }

        my $said = "$dir/$tool/" . sprintf '%03d', ++$i;

        reap($tool, \%running) while keys %running >= $jobs;

        my $pid = fork // die "fork: $!\n";

        if (!$pid) {
            open STDOUT, '>', $said and open STDERR, '>&', \*STDOUT
                and chdir $command->{directory} or die "$said: $!\n";
            exec $run{$tool}->($command) or die "$tool: $!\n";
        }

        $running{$pid} = $command->{file};
        push @said, [ $command, $said ];
    }

    reap($tool, \%running) while %running;

    my (%seen, $kept, $left);
    ($kept, $left) = (0, 0);

    for (@said) {
        for my $finding (findings($_->[0], slurp($_->[1]))) {

            # a header's is found again in each file that includes it
            next if $seen{$finding->{first}}++;

            if (is_suppressed($tool, $finding)) {
                $left++;
                next;
            }

            print "$finding->{text}\n";
            $kept++;
        }
    }

    $bad += $kept;

    return [ $tool, scalar @said, $kept, $left, time - $start ];
}


sub once {
    my %seen;
    return grep { !$seen{$_->{file}}++ } @_;
}


# a tool's exit status says that it found something, or could not look at all

sub reap {
    my ($tool, $running) = @_;

    my $pid = wait;
    my $file = delete $running->{$pid} // return;

    return if $? == 0 || ($? == 256 && $tool ne 'cppcheck');

    print "$file: $tool ended with status $?\n";
    $bad++;
}


# All three say  file:line:column: warning: ... [check], and more below it. What
# is in a header of others is a finding in the file that was looked at.

sub findings {
    my ($command, $said) = @_;

    my @found;

    for my $line (split /\n/, $said) {
        my ($path, $number, $what) = $line =~
            /^(\S+?\.[ch]):(\d+):\d+: (?:warning|(?:fatal )?error): (.*)/;

        if (defined $path) {
            my ($check) = $what =~ /\[(-?[\w.,=-]+)\]\s*$/;

            $path = "$command->{directory}/$path" if $path !~ m{^/};
            1 while $path =~ s{/[^/]+/\.\./}{/};

            my $file = $path =~ m{^\Q$top\E/(?!build/)} ? $path
                                                        : $command->{file};

            push @found, { file => $file =~ s{^\Q$top\E/}{}r,
                           path => $path, line => $number,
                           check => ($check // 'none') =~ s/^-W//r,
                           first => "$path:$number:$what",
                           text => $line =~ s{^\Q$top\E/}{}r };

        } elsif (@found && $line =~ /\S/) {
            $found[-1]{text} .= "\n    $line";

            # a message of several lines
            $found[-1]{check} = $1
                if $found[-1]{check} eq 'none'
                   && $line =~ /^\S.*\[([\w.,-]+)\]\s*$/;
        }
    }

    return @found;
}


sub is_suppressed {
    my ($tool, $finding) = @_;

    my $source;

    for my $s (@suppressed) {
        next if $s->{tool} ne $tool;
        next if !grep { $_ eq $s->{check} } split /,/, $finding->{check};
        next if $finding->{file} !~ /^$s->{path}$/;

        if (defined $s->{text}) {
            $source //= (split /\n/, slurp($finding->{path}))
                            [$finding->{line} - 1] // '';
            next if index($source, $s->{text}) < 0;
        }

        return $s->{used} = 1;
    }

    return 0;
}


sub clang_tidy {
    my ($command) = @_;

    return ('clang-tidy', '--quiet', "--config-file=$FindBin::Bin/clang-tidy",
            '-p', $dir, $command->{file});
}


sub cppcheck {
    my ($command) = @_;

    my @args = @{ $command->{arguments} };
    my @pass;

    while (@args) {
        my $arg = shift @args;

        my ($kind, $value) = $arg =~ /^-([ID])(.*)/ or next;

        $value = shift @args if $value eq '';
        $value = "$command->{directory}/$value"
            if $kind eq 'I' && $value !~ m{^/};
        push @pass, "-$kind$value";
    }

    return ('cppcheck', '--enable=warning,performance,portability,style',
            qw(--quiet --inconclusive --std=c11 --platform=unix64
            --library=posix --library=gnu --suppress=missingIncludeSystem),
            '--template={file}:{line}:{column}: warning: {message} [{id}]',
            '--template-location={file}:{line}:{column}: {info}',
            qw(-D__linux__ -D__x86_64__ -D_GNU_SOURCE), @pass,
            $command->{file});
}


sub gcc {
    my ($command) = @_;

    my (undef, @args) = @{ $command->{arguments} };

    return ('gcc', @args, qw(-fanalyzer -fdiagnostics-plain-output
            -S -o /dev/null));
}
