# show.pl FILE N: the requests in FILE after the first N, as a person reads
# them. Exit status 1: there is none yet.

use strict;
use warnings;

use JSON::PP;

my ($file, $skip) = @ARGV;

open my $fh, '<', $file or exit 1;
my @requests = <$fh>;
splice @requests, 0, $skip;
exit 1 unless @requests;

for (@requests) {
    my $r = decode_json($_);

    print "    $r->{method} $r->{path}\n";
    print "    $_->[0]: $_->[1]\n" for @{ $r->{headers} };
    print "\n    $r->{body}\n";
}
