# A target's answer does not steer this nginx.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: X-Accel-Redirect is not followed
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /secret { deny all; proxy_pass http://TARGET/secret; }
--- target
/a 200 "X-Accel-Redirect: /secret"
--- answer: 200 delivered
--- target_count: 1
--- target_unlike
/secret


=== TEST 2: nor by a Fin endpoint
--- fin
proxy_pass http://TARGET/a;
--- config
location = /secret { deny all; proxy_pass http://TARGET/secret; }
--- target
/a 200 "X-Accel-Redirect: /secret"
--- answer: 200 delivered
--- target_count: 1
--- target_unlike
/secret


=== TEST 3: X-Accel-Redirect does not make a failure a success
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /page { return 200 page; }
--- target
/a 500 "X-Accel-Redirect: /page"
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 500


=== TEST 4: X-Accel-Redirect to a named location is not followed
--- endpoint
proxy_pass http://TARGET/a;
--- config
location @secret { proxy_pass http://TARGET; }
--- target
/a 200 "X-Accel-Redirect: @secret"
--- answer: 200 delivered
--- target_count: 1


=== TEST 5: X-Accel-Redirect to the endpoint itself is not followed
--- endpoint
proxy_pass http://TARGET/a;
--- target
/a 200 "X-Accel-Redirect: /e"
--- answer: 200 delivered
--- target_count: 1


=== TEST 6: proxy_ignore_headers of the location does not bring it back
--- endpoint
proxy_ignore_headers Expires;
proxy_pass http://TARGET/a;
--- config
location = /secret { proxy_pass http://TARGET/secret; }
--- target
/a 200 "X-Accel-Redirect: /secret"
--- answer: 200 delivered
--- target_unlike
/secret


=== TEST 7: nor does an "if"
--- endpoint
if ($request_method = POST) { proxy_pass http://TARGET; }
proxy_pass http://TARGET;
--- config
location = /secret { proxy_pass http://TARGET/secret; }
--- target
/e 200 "X-Accel-Redirect: /secret"
--- answer: 200 delivered
--- target_unlike
/secret


=== TEST 8: nor does limit_except
--- endpoint
limit_except GET { proxy_pass http://TARGET; }
proxy_pass http://TARGET;
--- config
location = /secret { proxy_pass http://TARGET/secret; }
--- target
/e 200 "X-Accel-Redirect: /secret"
--- answer: 200 delivered
--- target_unlike
/secret


=== TEST 9: X-Accel-Limit-Rate does not slow anything down
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 "X-Accel-Limit-Rate: 1" bytes=1M
--- answer: 200 delivered
--- timeout: 8


=== TEST 10: X-Accel-Buffering, -Charset and -Expires mean nothing
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 "X-Accel-Buffering: yes" "X-Accel-Charset: utf-7" "X-Accel-Expires: 1000" bytes=3M
--- answer: 200 delivered
--- target_count: 1


=== TEST 11: the answer of a client's own proxied request is not touched
--- config
location = /other { proxy_pass http://TARGET/other; }
location = /page { return 200 page; }
location = /jam { jamhook_pass e; jamhook_verify off; }
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- target
/other 200 "X-Accel-Redirect: /page"
--- request
GET /other
--- response_body: page
