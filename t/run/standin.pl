# standin.pl PORT DIR CONVERSATION: stands in for Intercom's "Wait for Webhook" step on
# 127.0.0.1:PORT. It answers 200 to everything, but twice 503 to what is for the
# conversation; keeps each request in DIR/requests.json, one a line, and its
# process id in DIR/standin.pid.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use Jamhook::Target;
use JSON::PP;

my ($port, $dir, $conversation) = @ARGV;

my $listener = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
    Listen => 128, ReuseAddr => 1) or die "127.0.0.1:$port: $!\n";

open my $rules, '>', "$dir/standin.rules" or die $!;
print $rules encode_json(Jamhook::Target::parse(<<"END"));
200 'body={"received":true}'
/workflows/webhooks/wait-for-jam/$conversation 503 | 503 | 200 'body={"received":true}'
END
close $rules;

open my $log, '>>', "$dir/requests.json" or die $!;
open my $pid, '>', "$dir/standin.pid" or die $!;
print $pid "$$\n";
close $pid;

$SIG{PIPE} = 'IGNORE';
Jamhook::Target::Server->new($listener, undef, $log, "$dir/standin.rules")->run;
