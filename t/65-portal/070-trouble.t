# The portal while the store does not work, or is slow; clients that leave; a
# reload under calls.
# modes: plain palloc
# stores: sqlite pgsql

use lib 't/lib', 't/65-portal';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Portal;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    faults => 1, workers => 1, connections => 1024, server => q{
        location = /jam {
            jamhook_pass    a;
            jamhook_verify  keys/P1.key;
        }
        location = /a {
            jamhook_endpoint  a;
            jamhook_sign      off;
            jamhook_timeout   4s;
            proxy_pass        http://127.0.0.1:%{target}/a;
        }
        location /jamhook/ { jamhook_portal; }
    });

my $store = $nginx->store;
my $faults = $nginx->faults;
my $n = 0;
my $answer;

post($nginx, 'msg_1');
ok $store->idle($patience), 'all is well';


# more at once than may wait

my @sockets = map { $nginx->connect } 1 .. 400;

for (@sockets) {
    print $_ request(GET => 'api/endpoints');
    $_->flush;
}

my %got;
$got{$nginx->read($_, $patience)->{status}}++ for @sockets;
@sockets = ();

is $got{200} + ($got{503} || 0), 400, 'each of 400 calls at once is answered'
    or diag explain \%got;
cmp_ok $got{200}, '>=', 128, '... as many as may wait well';


# trouble

$nginx->break_store;

ok $nginx->wait_for(sub {
    $answer = data($nginx, 'api/status');
    $nginx->send(Jamhook::event(id => 'x' . ++$n, body => '{}'));
    $answer->{store}{state} eq 'trouble';
}, $patience), 'the store is in trouble, and the status says so';

like $answer->{store}{detail}, qr/\w/, '... what is wrong';
like $answer->{store}{advice}, qr/\w/, '... and what to do';
like $answer->{store}{since}, qr/^\d{4}-.*Z$/, '... and since when';
is call($nginx, GET => '')->{status}, 200, '... the page is there';

for ([GET => 'api/events'], [GET => 'api/events/msg_1'], [GET => 'api/stats'],
     [GET => 'api/endpoints'], [POST => 'api/endpoints/a/pause'],
     [POST => 'api/events/msg_1/replay'], [DELETE => 'api/events/msg_1'])
{
    $answer = call($nginx, @$_);

    is problem($answer), '503 unavailable', "... $_->[0] $_->[1] is refused";
    is $answer->{headers}{'retry-after'}, 5, '... for a while';
    like $answer->{json}{detail}, qr/^the store does not work: .+; .+/,
         '... and says why';
}

is call($nginx, POST => 'api/endpoints/a/test')->{json}{result}, 'succeeded',
   '... a test needs no store';

$nginx->mend_store;
ok $nginx->wait_for(sub {
    data($nginx, 'api/status')->{store}{state} eq 'well'
}, $patience), 'when its cause is gone the status says so';
$answer = data($nginx, 'api/status');
is_deeply [@{ $answer->{store} }{qw(detail advice since)}],
          [undef, undef, undef], '... and nothing else';
is data($nginx, 'api/events/msg_1')->{id}, 'msg_1', '... all is there';


# A disk that takes its time. A server that does not answer for so long is
# trouble, and said to be a little before.

my $longest = $store->pgsql ? 8.9 : 9.9;

$faults->set(sync => 'ms=13000');

my $time = time;
$answer = call($nginx, POST => 'api/endpoints/a/pause');
my $took = time - $time;

is problem($answer), '503 unavailable', 'a call that takes too long is refused';
cmp_ok $took, '>=', $longest, '... after ten seconds';
cmp_ok $took, '<=', 12.5 * $Jamhook::Env::PATIENCE, '... and no more';
is call($nginx, GET => 'api/status')->{status}, 200, '... others are answered';
is data($nginx, 'api/events/msg_1')->{id}, 'msg_1', '... reads too'
    unless $store->pgsql;

$faults->clear;
ok $nginx->wait_for(sub {
    (data($nginx, 'api/endpoints/a')->{state} || '') eq 'paused'
}, 2 * $patience), '... and what was asked for is done';
is call($nginx, POST => 'api/endpoints/a/resume')->{status}, 200,
   '... it is resumed';


# clients that leave

$faults->set(sync => 'ms=600');

my $s = $nginx->connect;
print $s request(POST => 'api/events/msg_1/replay');
$s->flush;
$nginx->wait_for(sub { 0 }, 0.2);
close $s;
ok $nginx->wait_log(qr/jamhook portal: event "msg_1" replayed/, $patience),
   'what a client asked for that left is done';
$faults->clear;
ok $store->idle(2 * $patience), '... and sent';

for my $path ('api/events', 'api/stats?window=30d', 'api/endpoints') {
    for (1 .. 20) {
        $s = $nginx->connect;
        print $s request(GET => $path);
        $s->flush;
        close $s;
    }
}

is call($nginx, GET => 'api/events')->{status}, 200,
   'many clients left, and nothing is amiss';


# a reload

$target->set('200 delay=1500ms');
my $tests = grep { $_->{body} =~ /evt_test/ } $target->requests;
$s = $nginx->connect;
print $s request(POST => 'api/endpoints/a/test');
$s->flush;
ok $nginx->wait_for(sub {
    $tests < grep { $_->{body} =~ /evt_test/ } $target->requests;
}), 'a test is under way';
ok $nginx->reload, '... there is a reload';
is data($nginx, 'api/status')->{store}{state} =~ /^(?:well|opening)$/, 1,
   '... the new worker answers';
$answer = $nginx->read($s, $patience);
like $answer->{body}, qr/"trigger":"test".*"result":"succeeded"/,
     '... and the old one ends what it began';
ok $nginx->wait_for(sub {
    call($nginx, GET => 'api/events')->{status} == 200 }, $patience),
   '... and the new one reads';

$nginx->ends_well(expected => ['jamhook store']);
done_testing;
