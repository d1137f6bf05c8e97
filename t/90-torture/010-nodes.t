# modes: plain
# stores: pgsql
#
# The torture of "make torture-nodes", shorter: two nodes and a PostgreSQL with
# a standby; the primary dies, a node dies, and one is cut off for longer than a
# lease.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

$ENV{SECONDS_} ||= 15;
$ENV{RATE} ||= 20;
$ENV{SEED} = 5 unless length($ENV{SEED} || '');

do './t/torture/nodes.pl' or die $@ || $!;
