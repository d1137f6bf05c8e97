# What nginx says instead of the target is a failure, whatever it says.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    # what all of them come to, unless one says otherwise
    $block->set_value('answer', '502 delivery_failed')
        unless defined $block->answer;
    $block->set_value('log', 'jamhook delivery failed: answered by nginx')
        unless defined $block->log;
    $block->set_value('target', '200') unless defined $block->target;
});

run_tests();

__DATA__

=== TEST 1: return 204
--- endpoint
return 204;
proxy_pass http://TARGET/a;
--- event_with: id=msg_1
--- target_count: 0
--- log
~ jamhook delivery failed: answered by nginx with 204.*endpoint: "e", event: "msg_1"


=== TEST 2: return 200 with a text
--- endpoint
return 200 fine;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
jamhook delivery failed: answered by nginx with 200


=== TEST 3: return 444
--- endpoint
return 444;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
jamhook delivery failed: answered by nginx with 444


=== TEST 4: return 302 with a URL
--- endpoint
return http://TARGET/b;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
jamhook delivery failed: answered by nginx with 302


=== TEST 5: return 499
--- endpoint
return 499;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
jamhook delivery failed: answered by nginx with 499


=== TEST 6: return 503 is no answer of the target's
--- endpoint
add_header Retry-After 77 always;
return 503;
proxy_pass http://TARGET/a;
--- target_count: 0
--- response_headers
! Retry-After


=== TEST 7: return 504 is no timeout
--- endpoint
return 504;
proxy_pass http://TARGET/a;
--- target_count: 0


=== TEST 8: return in an "if"
--- endpoint
if ($request_method = POST) { return 200 fine; }
proxy_pass http://TARGET/a;
--- target_count: 0


=== TEST 9: a "return" that does not apply is none
--- endpoint
if ($request_method = GET) { return 200 fine; }
proxy_pass http://TARGET/a;
--- answer: 200 delivered
--- target_count: 1
--- log
jamhook delivered


=== TEST 10: a location with an error page for its "return"
--- endpoint
error_page 503 =200 /page;
return 503;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target_count: 0


=== TEST 11: a rewrite to a location that answers
--- endpoint
rewrite ^ /page last;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target_count: 0


=== TEST 12: a rewrite to a location that asks another target
--- endpoint
rewrite ^ /other last;
proxy_pass http://TARGET/a;
--- config
location = /other { proxy_pass http://TARGET/other; }
--- target_unlike
^POST /a


=== TEST 13: a rewrite to another endpoint
--- endpoint
rewrite ^ /fin/7 last;
proxy_pass http://TARGET/a;
--- fin
proxy_pass http://TARGET/p;
--- passes: e
--- target_count: 0


=== TEST 14: a rewrite to itself
--- endpoint
rewrite ^ /e last;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
rewrite or internal redirection cycle
jamhook delivery failed: answered by nginx


=== TEST 15: a redirect by rewrite
--- endpoint
rewrite ^ http://TARGET/b permanent;
proxy_pass http://TARGET/a;
--- target_count: 0
--- log
jamhook delivery failed: answered by nginx with 301


=== TEST 16: a rewrite that stays is none
--- endpoint
rewrite ^ /v2/a break;
proxy_pass http://TARGET;
--- answer: 200 delivered
--- target_like
^POST /v2/a$
--- log
jamhook delivered


=== TEST 17: an error page for a target that cannot be reached
--- endpoint
error_page 502 =200 /page;
proxy_pass http://REFUSED/a;
--- config
location = /page { return 200 page; }
--- log
jamhook delivery failed: connect


=== TEST 18: an error page in a named location
--- endpoint
error_page 502 504 =200 @page;
proxy_pass http://REFUSED/a;
--- config
location @page { return 200 page; }
--- log
jamhook delivery failed: connect


=== TEST 19: an error page that asks another target
--- endpoint
error_page 502 = @other;
proxy_pass http://REFUSED/a;
--- config
location @other { proxy_pass http://TARGET; }
--- target_count: 0
--- log
jamhook delivery failed: connect


=== TEST 20: an error page for what the target answered
--- endpoint
error_page 500 =200 /page;
proxy_intercept_errors on;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target
500
--- target_count: 1
--- log
jamhook delivery failed: target answered 500


=== TEST 21: an error page without proxy_intercept_errors
--- endpoint
error_page 500 =200 /page;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target
500
--- log
jamhook delivery failed: target answered 500


=== TEST 22: an error page for a timeout
--- endpoint
jamhook_timeout 300ms;
error_page 504 =200 /page;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target
hang
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 23: recursive error pages
--- endpoint
error_page 502 503 =200 /page;
recursive_error_pages on;
proxy_pass http://REFUSED/a;
--- config
location = /page { error_page 502 =200 /page2; recursive_error_pages on; return 502; }
location = /page2 { return 200 page; }
--- log
jamhook delivery failed: connect


=== TEST 24: try_files that finds nothing and falls back
--- endpoint
try_files /no/such/file /page;
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target_count: 0


=== TEST 25: try_files that ends in a status
--- endpoint
try_files /no/such/file =200;
proxy_pass http://TARGET/a;
--- target_count: 0


=== TEST 26: auth_request does not stand before a delivery
--- endpoint
auth_request /no;
proxy_pass http://TARGET/a;
--- config
location = /no { return 403; }
--- answer: 200 delivered
--- target_count: 1
--- log
jamhook delivered


=== TEST 27: a variable that decides
--- http_config
map $jamhook_type $stop { intercom.recorder.recorded 1; default 0; }
--- endpoint
if ($stop) { return 204; }
proxy_pass http://TARGET/a;
--- target_count: 0


=== TEST 28: a handler that is no upstream answers for itself
--- endpoint
empty_gif;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 405


=== TEST 29: nginx's own 2xx for one of several endpoints
--- endpoint
return 204;
proxy_pass http://TARGET/a;
--- fin
proxy_pass http://TARGET/p;
--- target_requests eval
"POST /p/215470686832743 $Jamhook::Relay::FIN"
