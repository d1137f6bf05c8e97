# modes: palloc
#
# The failing allocations of "make alloc", few of them, of an event alone.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

$ENV{SCENARIO} ||= 'pass-through|durable' unless $ENV{EVERY};
$ENV{EVERY} ||= '23 61';

do './t/alloc/alloc.pl' or die $@ || $!;
