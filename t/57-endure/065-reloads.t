# jamhook_retention where workers never live for long: one that is replaced, by a
# reload or as it died, begins to wait anew. valgrind takes seconds to open the
# store, so that it is not open when a worker looks for the first time.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Jamhook::Store;
use Endure;

my $target = Jamhook::Target->new;
my $slow = $Jamhook::Env::UNDER eq 'valgrind' ? 5 : 1;
my ($seconds, $each) = (8 * $slow, 1.4 * $slow);

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    http => "jamhook_retention ${seconds}s;",
    server => ingest('e') . endpoint('e'));

put($nginx, ids('a', 1 .. 3));
$nginx->store->idle;

# sooner than it looks as a rule, that is after a quarter of it
my $next = time + $each;

ok $nginx->wait_for(sub {
    if (time > $next) {
        $nginx->reload;
        $next = time + $each;
    }

    return $nginx->store->value('select count(*) from events') == 0;
}, 25 * $slow), 'with a reload every so often what is too old goes as well';

$nginx->ends_well;

done_testing;
