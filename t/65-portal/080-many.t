# Many calls at once: what may wait has a bound, what nobody waits for any more
# is not done, and large answers do not add up.
# modes: plain palloc
# stores: sqlite pgsql

use lib 't/lib', 't/65-portal';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Portal;

my $target = Jamhook::Target->new;
my $patience = 20 * $Jamhook::Env::PATIENCE;
my $large = 8 * 1024 * 1024;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    faults => 1, workers => 1, connections => 1024, http => q{
        client_max_body_size 15m;
    }, server => q{
        location = /jam {
            jamhook_pass    a;
            jamhook_verify  keys/P1.key;
        }
        location = /a {
            jamhook_endpoint  a;
            jamhook_sign      off;
            proxy_pass        http://127.0.0.1:%{target}/a;
        }
        location /jamhook/ { jamhook_portal; }
    });

my $store = $nginx->store;
my $faults = $nginx->faults;

sub at_once {
    my ($n, $request) = @_;

    my @sockets = map { $nginx->connect } 1 .. $n;

    for (@sockets) {
        print $_ $request;
        $_->flush;
    }

    return @sockets;
}

post($nginx, 'msg_1');
post($nginx, 'msg_large', body => '{"a":"' . '<' x $large . '"}');
ok $store->idle($patience), 'two events are delivered';


# changing calls, while one commit is slow

$faults->set(sync => 'ms=3000');

my %got;
my @sockets = at_once(300, request(POST => 'api/endpoints/a/pause'));

$got{$nginx->read($_, $patience)->{status}}++ for @sockets;
$faults->clear;

is $got{200} + $got{503}, 300, '300 changing calls at once are answered'
    or diag explain \%got;
cmp_ok $got{200}, '>=', 128, '... as many as may wait well';
cmp_ok $got{200}, '<', 160, '... and no more of them';

is call($nginx, POST => 'api/endpoints/a/resume')->{status}, 200,
   'then all is as before';


# a large event, for clients that have gone

@sockets = at_once(120, request(GET => 'api/events/msg_large'));
$nginx->taken;
close $_ for @sockets;

my $time = time;
my $answer = call($nginx, GET => 'api/events');
my $took = time - $time;

is $answer->{status}, 200, 'a list after calls that nobody waits for';
cmp_ok $took, '<', 2.5 * $Jamhook::Env::PATIENCE, '... does not wait for them';


# and for clients that do not read: more than the kernel takes off nginx

@sockets = at_once(16, request(GET => 'api/events/msg_large'));

ok $nginx->wait_for(sub {
    call($nginx, GET => 'api/events/msg_large')->{status} == 503;
}, $patience), 'large answers that nobody reads have a bound';

is call($nginx, GET => 'api/events')->{status}, 200, '... small ones have none';

close $_ for @sockets;

ok $nginx->wait_for(sub {
    call($nginx, GET => 'api/events/msg_large')->{status} == 200
}, $patience), '... and go on when they have gone';

$nginx->ends_well;
done_testing;
