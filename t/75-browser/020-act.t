# Each action of the portal, by one who may act, by one who may not, and by
# keyboard alone.
#
# modes: plain

use lib 't/lib', 't/75-browser';
use Test::More;
use Jamhook::Nginx;
use Browser;

my ($nginx, $target) = shop(answers => [
    { prefix => '/workflows/9f3/gone', steps => [{ status => 404 }] },
    { prefix => '/workflows/9f3/sick', steps => [{ status => 404,
      body => '{"why":"the flow is closed"}' }] },
]);
my $store = $nginx->store;

event($nginx, recorded("gone$_"), id => "msg_gone$_") for 1 .. 3;
event($nginx, recorded("sick$_"), id => "msg_sick$_") for 1 .. 3;
event($nginx, recorded('keys1'), id => 'msg_keys');
event($nginx, recorded('jane-doe'), id => 'msg_customer');
event($nginx, recorded('late1'), id => 'msg_late', uri => '/sales',
      key => 'P2');

ok $store->wait_until(sending => 0, pending => 1, failed => 7, seconds => 10),
   'what there is to act on' or diag explain $store->counts;

browse('act', $nginx, can => {
    # the target has recovered
    mend => sub {
        $target->set([{ prefix => '', steps => [{ status => 200,
            body => '{"now":"it works"}' }] }]);
        return 1;
    },

    send => sub {
        my ($with) = @_;

        return event($nginx, recorded($with->{conversation}),
                     id => $with->{id})->{status} + 0;
    },

    # how often the target was asked for something
    came => sub {
        my ($with) = @_;

        return scalar grep { $_->{path} =~ /$with->{path}/ } $target->requests;
    },
});

$nginx->ends_well;

done_testing;
