# modes: plain
#
# An attempt ends at the latest 12 s after the event came in, its wait for a
# turn included: the sender gives up after 15 s.

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new('hang');

my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_timeout 60s;
        jamhook_max_active 1;
        proxy_read_timeout 60s;
        proxy_pass http://127.0.0.1:%{target};
    }
});

my $start = time;
my @clients = map { $nginx->connect } 1 .. 2;

for my $i (0, 1) {
    my $s = $clients[$i];
    print $s Jamhook::event(body => '{"a":1}', id => "msg_$i");
    $s->flush;
    $target->wait(1);
}

my @answers = map { $nginx->read($_, 15) } @clients;
my $took = time - $start;

is $answers[0]{status}, 504, 'a target that hangs';
is $answers[1]{status}, 504, 'one that waited all the time';
like $answers[1]{body}, qr/"code":"delivery_failed"/, '... says so';
cmp_ok $took, '>', 11, 'not before 12 s';
cmp_ok $took, '<', 14.9, 'and not much after';

ok $nginx->wait_log('~ jamhook delivery failed: timeout.*"msg_0"'), 'log';
ok $nginx->wait_log('~ jamhook delivery failed: timeout.*"msg_1"'), 'both';

$target->set('200');
is $nginx->send(Jamhook::event(body => '{"a":1}'))->{status}, 200,
   'the next one has its turn';

$nginx->ends_well;
done_testing;
