# What a target answers decides: 2xx alone is success.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: 200 is success
--- endpoint
proxy_pass http://TARGET/a;
--- target
200
--- event_with: id=msg_1
--- answer: 200 delivered
--- response_body chomp
{"result":"delivered","id":"msg_1","type":"intercom.recorder.recorded"}
--- target_count: 1
--- log
~ \[info\].* jamhook delivered: target answered 200


=== TEST 2: 201 is success
--- endpoint
proxy_pass http://TARGET/a;
--- target
201
--- answer: 200 delivered


=== TEST 3: 202 is success
--- endpoint
proxy_pass http://TARGET/a;
--- target
202
--- answer: 200 delivered


=== TEST 4: 204 is success
--- endpoint
proxy_pass http://TARGET/a;
--- target
204
--- answer: 200 delivered
--- log
jamhook delivered: target answered 204


=== TEST 5: 299 is success
--- endpoint
proxy_pass http://TARGET/a;
--- target
299
--- answer: 200 delivered


=== TEST 6: 300 is not
--- endpoint
proxy_pass http://TARGET/a;
--- target
300
--- answer: 502 delivery_failed


=== TEST 7: a redirect is a failure and not followed
--- endpoint
proxy_pass http://TARGET/a;
--- target
/a 302 "Location: /b"
--- answer: 502 delivery_failed
--- target_requests eval
"POST /a $Jamhook::Relay::EVENT"
--- log
jamhook delivery failed: target answered 302


=== TEST 8: a 307 is not followed either
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
qq{/a 307 "Location: http://127.0.0.1:1/b"}
--- answer: 502 delivery_failed
--- target_count: 1


=== TEST 9: a 303 with proxy_redirect stays a failure
--- endpoint
proxy_pass http://TARGET/a/;
proxy_redirect default;
--- target
/a 303 "Location: /a/b"
--- answer: 502 delivery_failed
--- target_count: 1


=== TEST 10: 304 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
304
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 304


=== TEST 11: 400 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
400
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 400


=== TEST 12: 401 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
401 "WWW-Authenticate: Basic realm=x"
--- answer: 502 delivery_failed
--- response_headers
! WWW-Authenticate


=== TEST 13: 404 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
404
--- answer: 502 delivery_failed
--- target_count: 1


=== TEST 14: 408 of the target is a failure, and no timeout of ours
--- endpoint
proxy_pass http://TARGET/a;
--- target
408
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 408


=== TEST 15: 410 is one more failure without a store
--- endpoint
proxy_pass http://TARGET/a;
--- target
410
--- answer: 502 delivery_failed


=== TEST 16: an endpoint that said 410 is sent the next event
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- target
410
--- event_with: uri=/twice
--- answer: 502 delivery_failed
--- target_count: 2


=== TEST 17: 413 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
413
--- answer: 502 delivery_failed


=== TEST 18: 499 of the target is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
499
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 499


=== TEST 19: 500 is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
500
--- answer: 502 delivery_failed
--- target_count: 1


=== TEST 20: 502 of the target is its own answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
502
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 502


=== TEST 21: 504 of the target is its own answer and no timeout of ours
--- endpoint
proxy_pass http://TARGET/a;
--- target
504
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 504


=== TEST 22: a status that HTTP does not know is a failure
--- endpoint
proxy_pass http://TARGET/a;
--- target
999
--- answer: 502 delivery_failed


=== TEST 23: interim answers are no outcome
--- endpoint
proxy_http_version 1.1;
proxy_pass http://TARGET/a;
--- target
103 finish
--- answer: 502 delivery_failed


=== TEST 24: an HTTP/1.0 answer counts
--- endpoint
proxy_pass http://TARGET/a;
--- target
http10 200
--- answer: 200 delivered


=== TEST 25: a chunked answer counts
--- endpoint
proxy_http_version 1.1;
proxy_pass http://TARGET/a;
--- target
200 chunked body=0123456789
--- answer: 200 delivered


=== TEST 26: an answer that comes before the body was sent counts
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 early
--- answer: 200 delivered


=== TEST 27: an answer without a body counts
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 body= finish
--- answer: 200 delivered


=== TEST 28: the target's body and headers do not reach the sender
--- endpoint
proxy_pass http://TARGET/a;
--- target
500 "X-Secret: of-the-target" "Set-Cookie: a=b" body=inside
--- answer: 502 delivery_failed
--- response_headers
! X-Secret
! Set-Cookie
--- response_body_like eval
qr/\A(?!.*inside)\{.*"code":"delivery_failed"/s


=== TEST 29: an answer says which endpoint failed and how
--- endpoint
proxy_pass http://TARGET/a;
--- target
418
--- answer: 502 delivery_failed
--- response_body_like
"status":502,"detail":"[^"]*\\"e\\"[^"]*418


=== TEST 30: proxy_intercept_errors changes nothing
--- endpoint
proxy_intercept_errors on;
proxy_pass http://TARGET/a;
--- target
404
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 404


=== TEST 31: a target is asked once and no more
--- endpoint
proxy_next_upstream error timeout http_500 non_idempotent;
proxy_pass http://TARGET/a;
--- target
500 | 200
--- answer: 502 delivery_failed
--- target_count: 1
