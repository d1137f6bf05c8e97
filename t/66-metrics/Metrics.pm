package Metrics;

# What the tests of this room share: metrics, read as Prometheus reads them.
#
#   my $m = Metrics::scrape($nginx);             "/metrics", or another path
#   $m->{values}{'jamhook_store_up'}             by series, labels as they stand
#   $m->{types}{jamhook_store_up}                counter, gauge, histogram
#   Metrics::value($m, 'attempts_total', endpoint => 'e', outcome => 'timeout')
#   Metrics::problems($m)                        what is wrong with its form
#   Metrics::promtool($stdin, @args)             (went well, what it said); ():
#                                                there is none

use strict;
use warnings;

use IPC::Open3 qw(open3);

my $NAME = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $LABELS = qr/\{(?:$NAME="(?:[^"\\\n]|\\[\\"n])*",?)*\}/;


sub scrape {
    my ($nginx, $path) = @_;

    my $answer = $nginx->get($path || '/metrics');

    return { status => $answer->{status}, problems => [$answer->{raw}],
             values => {}, types => {}, order => [], text => '' }
        if $answer->{status} != 200;

    return parse($answer->{body});
}


sub parse {
    my ($text) = @_;

    my %m = (status => 200, text => $text, values => {}, types => {},
             order => [], problems => []);
    my (%help, $family);

    push @{ $m{problems} }, 'the last line has no end' if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {

        if ($line =~ /^# HELP ($NAME) \S/) {
            push @{ $m{problems} }, "again: $line" if $help{$1}++;
            $family = $1;

        } elsif ($line =~ /^# TYPE ($NAME) (counter|gauge|histogram)$/) {
            push @{ $m{problems} }, "again: $line" if $m{types}{$1};
            push @{ $m{problems} }, "not after its HELP: $line"
                if $family ne $1;
            $m{types}{$1} = $2;

        } elsif ($line =~ /^($NAME)($LABELS)? (\d+(?:\.\d+)?)$/) {
            my ($name, $labels, $value) = ($1, defined $2 ? $2 : '', $3);
            my $base = $name;

            $base =~ s/_(?:bucket|sum|count)$//
                if ($m{types}{$family} || '') eq 'histogram';

            push @{ $m{problems} }, "not in its family: $line"
                if $base ne $family;
            push @{ $m{problems} }, "again: $line"
                if exists $m{values}{"$name$labels"};

            $m{values}{"$name$labels"} = $value;
            push @{ $m{order} }, "$name$labels";

        } else {
            push @{ $m{problems} }, "no such line: $line";
        }
    }

    return \%m;
}


sub value {
    my ($m, $name, @labels) = @_;
    my @pairs;

    while (my ($label, $value) = splice @labels, 0, 2) {
        push @pairs, qq{$label="$value"};
    }

    return $m->{values}{ "jamhook_$name"
                         . (@pairs ? '{' . join(',', @pairs) . '}' : '') };
}


# histograms: buckets go up, the last one is the count
sub problems {
    my ($m) = @_;
    my @problems = @{ $m->{problems} };
    my (%last, %inf);

    for my $series (@{ $m->{order} }) {
        my $value = $m->{values}{$series};

        if ($series =~ /^(\w+)_bucket\{(.*?),?le="([^"]+)"\}$/) {
            my $key = "$1|$2";

            push @problems, "goes down: $series"
                if defined $last{$key} && $value < $last{$key};
            $last{$key} = $value;
            $inf{$key} = $value if $3 eq '+Inf';

        } elsif ($series =~ /^(\w+)_count(?:\{(.*)\})?$/) {
            my $key = "$1|" . (defined $2 ? $2 : '');

            push @problems, "not the sum of its buckets: $series"
                if !defined $inf{$key} || $inf{$key} != $value;
        }
    }

    return @problems;
}


sub promtool {
    my ($stdin, @args) = @_;

    my ($tool) = grep { -x } 'build/prometheus/usr/bin/promtool',
                 map { "$_/promtool" } split /:/, $ENV{PATH};

    return unless defined $tool;

    my $pid = open3(my $in, my $out, undef, $tool, @args);

    local $SIG{PIPE} = 'IGNORE';

    print $in $stdin if defined $stdin;
    close $in;

    my $said = do { local $/; <$out> };
    waitpid $pid, 0;

    return ($? == 0 ? 1 : 0, $said);
}


1;
