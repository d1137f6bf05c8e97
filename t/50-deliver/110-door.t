# An endpoint's location answers deliveries alone: all else gets 404.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('error_code', 404) unless defined $block->error_code;
    $block->set_value('target_count', 0) unless defined $block->target_count;
});

run_tests();

__DATA__

=== TEST 1: a client's GET
--- endpoint
proxy_pass http://TARGET/a;
--- request
GET /e


=== TEST 2: a client's POST
--- endpoint
proxy_pass http://TARGET/a;
--- request
POST /e
{"a":1}


=== TEST 3: a client's HEAD
--- endpoint
proxy_pass http://TARGET/a;
--- request
HEAD /e
--- response_body


=== TEST 4: a path below the location
--- endpoint
proxy_pass http://TARGET/a;
--- request
GET /e/more


=== TEST 5: a Fin endpoint with a conversation's id
--- fin
proxy_pass http://TARGET/p;
--- request
POST /fin/215470686832743
{"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}


=== TEST 6: a client that sends what a delivery has
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"a":1}
--- event_with: uri=/e family=webhook key=P1 "Idempotency-Key: x" "User-Agent: jamhook/0.1.0"


=== TEST 7: a client where the location has a "return"
--- endpoint
return 200 fine;
proxy_pass http://TARGET/a;
--- request
GET /e


=== TEST 8: a client where the location has a rewrite
--- endpoint
rewrite ^ /page last;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- request
GET /e


=== TEST 9: a client where the location has an "if" with a handler
--- endpoint
if ($arg_x) { proxy_pass http://TARGET; }
proxy_pass http://TARGET;
--- request
GET /e?x=1


=== TEST 10: a client where the location has an "if" with a "return"
--- endpoint
if ($arg_x) { return 200 fine; }
proxy_pass http://TARGET;
--- request
GET /e?x=1


=== TEST 11: a client where the location has try_files
--- endpoint
try_files /index.html =200;
proxy_pass http://TARGET;
--- request
GET /e


=== TEST 12: a client where the location asks for a password
--- endpoint
auth_basic private;
auth_basic_user_file /no/such/file;
proxy_pass http://TARGET;
--- request
GET /e


=== TEST 13: a rewrite from another location
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { rewrite ^ /e last; }
--- request
GET /other


=== TEST 14: a rewrite from the server
--- endpoint
proxy_pass http://TARGET/a;
--- config
rewrite ^/other$ /e last;
--- request
GET /other


=== TEST 15: a rewrite to an endpoint with a "return"
--- endpoint
return 200 fine;
proxy_pass http://TARGET/a;
--- config
location = /other { rewrite ^ /e last; }
--- request
GET /other


=== TEST 16: try_files that falls back to it
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { try_files /no/such/file /e; }
--- request
GET /other


=== TEST 17: an error page
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { error_page 418 /e; return 418; }
--- request
GET /other


=== TEST 18: an error page with a status of its own
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { error_page 418 = /e; return 418; }
--- request
GET /other


=== TEST 19: an error page that should make it 200
--- endpoint
return 200 fine;
proxy_pass http://TARGET/a;
--- config
location = /other { error_page 418 = /e; return 418; }
--- request
GET /other
--- response_body_unlike
fine


=== TEST 20: an index
--- config
location = /jam { jamhook_pass e; jamhook_verify off; }
location /dir/ { index e; root html; }
location = /dir/e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- user_files
>>> dir/e
file
--- request
GET /dir/


=== TEST 21: an SSI include
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /page.html { ssi on; root html; }
--- user_files
>>> page.html
before <!--#include virtual="/e" --> after
--- request
GET /page.html
--- error_code: 200
--- response_body_like
before (?s:.*)404 Not Found(?s:.*) after


=== TEST 22: an SSI include of an endpoint with a "return"
--- endpoint
return 200 fine;
proxy_pass http://TARGET/a;
--- config
location = /page.html { ssi on; root html; }
--- user_files
>>> page.html
before <!--#include virtual="/e" --> after
--- request
GET /page.html
--- error_code: 200
--- response_body_unlike
fine


=== TEST 23: add_before_body
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /page.html { addition_types *; add_before_body /e; root html; }
--- user_files
>>> page.html
the page
--- request
GET /page.html
--- error_code: 200
--- response_body_like
404 Not Found(?s:.*)the page


=== TEST 24: a mirror
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { mirror /e; proxy_pass http://TARGET/other; }
--- request
POST /other
x
--- error_code: 200
--- target_requests
POST /other x
--- target_count: 1


=== TEST 25: auth_request takes it for neither yes nor no
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { auth_request /e; proxy_pass http://TARGET/other; }
--- request
GET /other
--- error_code: 500
--- log
auth request unexpected status: 404


=== TEST 26: auth_request with an endpoint that has "return 204"
--- endpoint
return 204;
proxy_pass http://TARGET/a;
--- config
location = /other { auth_request /e; proxy_pass http://TARGET/other; }
--- request
GET /other
--- error_code: 500


=== TEST 27: X-Accel-Redirect of some other target
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { proxy_pass http://TARGET/other; }
--- target
/other 200 "X-Accel-Redirect: /e"
--- request
GET /other
--- target_count: 1
--- target_unlike
/a


=== TEST 28: post_action
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { post_action /e; return 200 other; }
--- request
GET /other
--- error_code: 200


=== TEST 29: slices
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { rewrite ^ /e break; slice 1k; proxy_pass http://HERE; }
--- request
GET /other


=== TEST 30: a named location's way there
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /other { try_files /no/such/file @named; }
location @named { rewrite ^ /e last; }
--- request
GET /other


=== TEST 31: an ingest location that a rewrite of an event leads to works
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /old { rewrite ^ /jam last; }
--- event
{"a":1}
--- event_with: uri=/old
--- error_code: 200
--- answer: 200 delivered
--- target_count: 1
--- target_requests
POST /a {"a":1}


=== TEST 32: an error page of an endpoint's 404 stays 404
--- endpoint
error_page 404 =200 /page;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- request
GET /other
