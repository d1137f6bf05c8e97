# Each view of the portal, on a day on which not all is well: with a mouse, on a
# phone, in dark and light, and with payloads and answers that are hostile.
#
# modes: plain

use lib 't/lib', 't/75-browser';
use Test::More;
use Jamhook::Nginx;
use Browser;

my $EVIL = q{"><script>alert(1)</script><img src=x onerror=alert(2)>}
           . q{<svg onload=alert(3)><a href="javascript:alert(4)">x</a>'};

my ($nginx, $target) = shop(answers => [
    { prefix => '/workflows/9f3/gone', steps => [{ status => 404,
      body => '{"errors":[{"code":"not_found"}]}' }] },
    { prefix => '/workflows/9f3/evil', steps => [{ status => 200,
      headers => [['Content-Type', 'text/html'], ['X-Evil', $EVIL],
                  ['Link', '<http://evil.example/x.css>; rel=preload']],
      body => "<html><body onload=alert(5)>$EVIL<script src="
              . "http://evil.example/x.js></script>\xff\xfe\0\x1b[31m" }] },
    { prefix => '/workflows/9f3/long', steps => [{ status => 200,
      body => 'L' x 40_000 }] },
]);
my $store = $nginx->store;

# enough for a second page

event($nginx, recorded("bulk$_"), id => "msg_bulk$_") for 1 .. 60;
$store->idle;

# what an agent looks for

my $body = body(recorded('215470686832743'));

event($nginx, $body, id => 'msg_ok');
event($nginx, recorded('gone1'), id => 'msg_lost');
event($nginx, { id => 'evt_opted', type => 'intercom.recorder.opted_out',
                created_at => '2025-09-09T12:00:00Z',
                data => { conversationId => '215470686832743' } },
      id => 'msg_opted');
event($nginx, recorded('late1', jamId => 'jam-late'), id => 'msg_late',
      uri => '/sales', key => 'P2');
event($nginx, recorded('forget1'), id => 'msg_forgotten');

# what nobody asked for

my $hostile = {
    id => $EVIL, type => 'intercom.recorder.recorded', created_at => $EVIL,
    "<b onclick=alert(6)>" => "\x{202e}fdp.exe", '__proto__' => { a => $EVIL },
    data => {
        conversationId => $EVIL, jamId => $EVIL,
        recording_url => 'javascript:alert(7)', word => 'W' x 5000,
        control => "\x{0}\x{1b}[31m\x{2028}", list => [[[[$EVIL]]]],
    },
};

event($nginx, $hostile, id => 'msg_hostile', uri => '/any', with =>
      qq{"User-Agent: <img src=x onerror=alert(8)> \xff\xfe \xe2\x80\xae"});
event($nginx, recorded('evil1', jamId => $EVIL, recording_url =>
      q{https://jam.dev/r/"onmouseover="alert(9)"><script>alert(9)</script>}),
      id => 'msg_evil');
event($nginx, '{"number":12345678901234567890,"exact":1.10,"twice":1,'
      . '"twice":2,"deep":' . '[' x 30 . ']' x 30 . '}',
      id => 'msg_numbers', uri => '/any');
event($nginx, recorded('long1', note => 'x' x 200_000), id => 'msg_long');

my $wide = recorded('C' x 128, jamId => 'J' x 256);

$wide->{type} = 'T' x 128;
event($nginx, $wide, id => 'm' x 256);

# what was refused

event($nginx, recorded('bad'), id => 'msg_bad', key => 'P3');
event($nginx, '<xml/>', id => 'msg_xml', type => 'text/xml');

ok $store->wait_until(sending => 0, pending => 1, seconds => 10),
   'the day that is shown' or diag explain $store->counts;

my $answer = $nginx->send(
    "DELETE /jamhook/api/events/msg_forgotten HTTP/1.1\r\nHost: localhost\r\n"
    . "X-Jamhook-Request: 1\r\nConnection: close\r\n\r\n");
is $answer->{status}, 200, 'one is forgotten' or diag $answer->{raw};

browse('look', $nginx, tell => { body => $body }, can => {
    send => sub {
        my ($with) = @_;

        return event($nginx, recorded($with->{conversation}),
                     id => $with->{id})->{status} + 0;
    },
});

$nginx->ends_well;

done_testing;
