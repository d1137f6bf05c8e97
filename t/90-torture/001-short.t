# modes: plain palloc
#
# The torture of "make torture", shorter: events under load, while nginx is
# killed and its target fails.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $under = $Jamhook::Env::UNDER;

$ENV{SECONDS_} ||= $under ? 8 : 12;
$ENV{RATE} ||= $under ? 20 : 40;
$ENV{WORKERS} ||= $under ? 2 : 4;

do './t/torture/torture.pl' or die $@ || $!;
