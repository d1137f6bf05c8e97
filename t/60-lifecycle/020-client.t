# A client that leaves does not stop its delivery.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('hold');

my $nginx = Jamhook::Nginx->new(target => $target->port, http => q{
    log_format id '$status $jamhook_id $jamhook_result';
    access_log logs/id.log id;
}, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_max_active 2;
        proxy_pass http://127.0.0.1:%{target};
    }

    location = /status { stub_status; access_log off; }
});

sub ids {
    return map { Jamhook::Target::header($_, 'idempotency-key') }
           $target->requests;
}

sub access_log {
    return split /\n/, Jamhook::Env::slurp($nginx->dir . '/logs/id.log');
}

sub begin {
    my ($id) = @_;
    my $s = $nginx->connect;
    print $s Jamhook::event(body => '{"a":1}', id => $id);
    $s->flush;
    return $s;
}

# it leaves while the target has not answered yet

my $s = begin('msg_1');
is $target->wait(1), 1, 'a delivery is under way';
close $s;

ok $nginx->wait_for(sub { grep { /^499 msg_1/ } access_log() }),
   'the client is seen to leave';
ok !$nginx->logged('jamhook delivered'), '... before the target answers';
$target->set('200');
ok $nginx->wait_log('~ jamhook delivered: .*event: "msg_1"'),
   'the delivery goes on';

# several, and some of them wait for their turn

$target->set('hold');
my @clients = map { begin("msg_2$_") } 1 .. 6;
$nginx->taken;
is $target->wait(3), 3, 'two are under way';
close $_ for @clients;

ok $nginx->wait_for(sub { 6 == grep { /^499 msg_2/ } access_log() }),
   'all are seen to leave';
is scalar $target->requests, 3, '... and the others wait still';
$target->set('delay=300ms');

is $target->wait(7), 7, 'all arrive though all have left';
ok $nginx->wait_for(sub {
    7 == $nginx->logged('~ jamhook delivered: .*event: "msg_') }), 'all end';
is scalar(grep { /^499 msg_2/ } access_log()), 6, '499 each';

# it resets

$s = begin('msg_3');
$target->wait(8);
setsockopt $s, Socket::SOL_SOCKET, Socket::SO_LINGER, pack 'ii', 1, 0;
close $s;
ok $nginx->wait_log('~ jamhook delivered: .*event: "msg_3"'), 'after a reset';

# it only closes its half: it may still be reading

$s = begin('msg_4');
$target->wait(9);
shutdown $s, 1;
ok $nginx->wait_log('~ jamhook delivered: .*event: "msg_4"'),
   'after a half close';

# it leaves before it has sent all

$s = $nginx->connect;
my $bytes = Jamhook::event(body => '{"a":"0123456789"}', id => 'msg_5');
print $s substr $bytes, 0, -5;
$s->flush;
close $s;
ok $nginx->wait_for(sub { grep { /^4\d\d msg_5/ } access_log() }),
   'half an event is an error';
is scalar $target->requests, 9, '... and no delivery';

# a target that fails after the client left

$target->set('500 delay=200ms');
$s = begin('msg_6');
$target->wait(10);
close $s;
ok $nginx->wait_log('~ jamhook delivery failed: target answered 500.*"msg_6"'),
   'a failure with nobody to tell';

# nothing is left of all this

ok $nginx->wait_for(sub {
    $nginx->get('/status')->{body} =~ /Active connections: 1 / }),
   'no connection is left';

is $nginx->send(Jamhook::event(body => '{"a":1}'))->{status}, 502,
   'the next one gets its answer';

$nginx->ends_well;
done_testing;
