# show.pl FILE ID: the requests in FILE that brought the event ID, as a person
# reads them. Exit status 1: there is none yet.

use strict;
use warnings;

use JSON::PP;

my ($file, $id) = @ARGV;

open my $fh, '<', $file or exit 1;
my @requests = grep { is_event($_) } map { decode_json($_) } <$fh>;
exit 1 unless @requests;

for my $r (@requests) {
    print "    $r->{method} $r->{path}\n";
    print "    $_->[0]: $_->[1]\n" for @{ $r->{headers} };
    print "\n    $r->{body}\n";
}


sub is_event {
    my ($r) = @_;

    return grep { lc $_->[0] eq 'webhook-id' && $_->[1] eq $id }
           @{ $r->{headers} };
}
