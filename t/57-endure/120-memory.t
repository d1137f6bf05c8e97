# Memory that runs out: each n-th allocation of a worker and its threads fails.
#
# modes: plain
# stores: sqlite pgsql

# (a sanitizer has allocations of its own, which the library does not see)

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

my $target = Jamhook::Target->new('200');
my $retry = 'jamhook_retry' . ' 200ms' x 40 . ';';
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    faults => 1, level => 'crit',
    server => ingest('e f') . qq{
        $retry
        jamhook_timeout 2s;

        location = /e { jamhook_endpoint e; jamhook_sign keys/P1.key;
                        proxy_pass http://127.0.0.1:%{target}/e; }
        location = /f { jamhook_endpoint f; jamhook_sign keys/P1.key;
                        proxy_pass http://127.0.0.1:%{target}/f; }
        location = /other { return 204; }
    });

put($nginx, 'first');
$nginx->store->idle;

my ($worker) = $nginx->workers;
my (%status, $failed);

# whatever the answer, the sender comes again until it is 200; a server whose answer
# has got lost is given up after 9 s, and tried again within 6 s

for my $every (3, 7, 13, 29, 53, 97, 151, 211, 307, 401, 503) {
    $nginx->faults->set(alloc => "every=$every pid=$worker");

    for my $id (ids("m$every-", 1 .. 20)) {
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => $nginx->port) or next;
        print $s Jamhook::event(body => '{"a":1}', id => $id);
        $status{$id} = $nginx->read($s, 3)->{status};
        close $s;
    }

    $failed += $nginx->faults->failed('alloc');
    $nginx->faults->clear;

    ok $nginx->wait_for(sub {
        put($nginx, "after-$every") == 1
            && (put($nginx, "after-$every"))[0] == 200;
    }, 15 + 5 * $Jamhook::Env::PATIENCE), "with memory again after each ${every}th failed, events are stored";
}

cmp_ok $failed, '>', 50, 'allocations failed';
is_deeply [grep { !/^(0|200|400|500|503)$/ } values %status], [],
          'no answer but those that are meant';
is_deeply [$nginx->workers], [$worker], 'the worker lives';
is $nginx->get('/other')->{status}, 204, '... and answers';

my @acknowledged = grep { $status{$_} == 200 } sort keys %status;

cmp_ok scalar @acknowledged, '>', 5,
       'some events were acknowledged all the same';
ok $nginx->store->idle(60), 'no delivery is stuck';

my %got = map { $_->{path} . ' ' . Jamhook::Target::header($_, 'webhook-id')
                => 1 } $target->requests;

is_deeply [grep { !$got{"/e $_"} || !$got{"/f $_"} } @acknowledged], [],
          '... and each event that was acknowledged arrived at both targets';
is $nginx->store->check, 'ok', 'the database is whole';

$nginx->ends_well(expected => ['~ \[(crit|alert|emerg)\].*(malloc|memory|'
                               . 'ngx_|failed|does not work)']);
done_testing;
