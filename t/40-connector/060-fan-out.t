# One event to several endpoints.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    # --- urls: the URLs of endpoints e1, e2, ...
    my @urls = split ' ', $block->urls || '' or return;
    my $n = 0;

    my $config = "location = /jam { jamhook_verify keys/P1.key; jamhook_pass "
                 . join(' ', map { "e$_" } 1 .. @urls) . "; }\n";

    $config .= "location = /e" . ++$n . " { jamhook_endpoint e$n; jamhook_sign"
               . " keys/S1.key; proxy_pass $_; }\n" for @urls;

    $block->set_value('config', $config . ($block->config || ''));
});

run_tests();

__DATA__

=== TEST 1: each endpoint of the location gets the event
--- urls: http://TARGET/1 http://TARGET/2 http://TARGET/3
--- event
{"a":1}
--- answer: 200 delivered
--- target_requests
POST /1 {"a":1}
POST /2 {"a":1}
POST /3 {"a":1}
--- target_signed: S1


=== TEST 2: deliveries of an event are under way at once
--- urls: http://TARGET/1 http://TARGET/2 http://TARGET/3
--- target
delay=2s
--- event
{"a":1}
--- answer: 200 delivered
--- target_check
my @at = sort { $a <=> $b } map { $_->{at} } @requests;
is(@at, 3, 'three');
cmp_ok($at[-1] - $at[0], '<', 1.9, 'none waits for another');


=== TEST 3: the answer waits for the slowest
--- urls: http://TARGET/1 http://TARGET/2
--- target
/1 200
/2 204 delay=300ms
--- event
{"a":1}
--- answer: 200 delivered
--- target_count: 2


=== TEST 4: one that fails does not keep the others from it
--- urls: http://REFUSED/ http://TARGET/2 http://TARGET/3
--- event
{"a":1}
--- answer: 502 delivery_failed
--- target_requests
POST /2 {"a":1}
POST /3 {"a":1}


=== TEST 5: all of 20 endpoints get it
--- urls eval
my @urls = map { "http://TARGET/$_" } 1 .. 20; "@urls"
--- event
{"a":1}
--- answer: 200 delivered
--- target_requests eval
[map { "POST /$_ {\"a\":1}" } 1 .. 20]


=== TEST 6: an endpoint may stand in another server
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    server_name other;

    location = /there {
        jamhook_endpoint there;
        jamhook_sign keys/S1.key;
        proxy_pass http://TARGET/there;
    }
}
--- config
location = /jam { jamhook_pass there; jamhook_verify keys/P1.key; }
--- event
{"a":1}
--- answer: 200 delivered
--- target_requests
POST /there {"a":1}
--- target_signed: S1


=== TEST 7: two ingest locations pass to one endpoint
--- config
location = /one { jamhook_pass e; jamhook_verify keys/P2.key; }
location = /two { jamhook_pass e; jamhook_verify keys/P1.key; }
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- event
{"a":1}
--- event_with: uri=/two
--- answer: 200 delivered
--- target_count: 1


=== TEST 8: an endpoint's name may be one that means something elsewhere
--- config
location = /jam { jamhook_pass off none; jamhook_verify keys/P1.key; }
location = /e1 { jamhook_endpoint off; jamhook_sign off; proxy_pass http://TARGET/off; }
location = /e2 { jamhook_endpoint none; jamhook_sign off; proxy_pass http://TARGET/none; }
--- event
{"a":1}
--- answer: 200 delivered
--- target_requests
POST /off {"a":1}
POST /none {"a":1}
