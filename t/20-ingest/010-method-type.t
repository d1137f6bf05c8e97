# 405 and 415

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

run_tests();

__DATA__

=== TEST 1: GET
--- request
GET /jam
--- answer: 405 method_not_allowed
--- response_headers
Allow: POST
--- target_count: 0







=== TEST 2: HEAD has no body
--- request
HEAD /jam
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/problem+json
--- response_body:
--- target_count: 0







=== TEST 3: PUT, PATCH, DELETE and OPTIONS of a signed event: PUT
--- event: {}
--- event_with: method=PUT
--- answer: 405 method_not_allowed
--- target_count: 0







=== TEST 4: PATCH
--- event: {}
--- event_with: method=PATCH
--- answer: 405 method_not_allowed
--- target_count: 0







=== TEST 5: DELETE
--- event: {}
--- event_with: method=DELETE
--- answer: 405 method_not_allowed
--- target_count: 0







=== TEST 6: OPTIONS
--- event: {}
--- event_with: method=OPTIONS
--- answer: 405 method_not_allowed
--- target_count: 0







=== TEST 7: a method that nginx does not know
--- event: {}
--- event_with: method=JAM
--- answer: 405 method_not_allowed
--- target_count: 0







=== TEST 8: a query in the URL is nothing to us
--- event: {}
--- event_with: uri=/jam?a=b&c
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 9: application/json with a parameter
--- event: {}
--- event_with: "type=application/json; charset=utf-8"
--- answer: 200 delivered
--- target_count: 1







=== TEST 10: with a parameter and no space
--- event: {}
--- event_with: type=application/json;charset=utf-8
--- answer: 200 delivered







=== TEST 11: with a space before it
--- event: {}
--- event_with: "type=application/json ; charset=utf-8"
--- answer: 200 delivered







=== TEST 12: in another letter case
--- event: {}
--- event_with: type=Application/JSON
--- answer: 200 delivered







=== TEST 13: no Content-Type
--- event: {}
--- event_with: without=content-type
--- answer: 415 media_type_unsupported
--- target_count: 0







=== TEST 14: an empty one
--- event: {}
--- event_with: type=
--- answer: 415 media_type_unsupported







=== TEST 15: text/json
--- event: {}
--- event_with: type=text/json
--- answer: 415 media_type_unsupported







=== TEST 16: one that goes on
--- event: {}
--- event_with: type=application/jsonl
--- answer: 415 media_type_unsupported







=== TEST 17: application/cloudevents+json
--- event: {}
--- event_with: type=application/cloudevents+json
--- answer: 415 media_type_unsupported







=== TEST 18: one that is too short
--- event: {}
--- event_with: type=application/jso
--- answer: 415 media_type_unsupported







=== TEST 19: a form
--- event: a=b
--- event_with: type=application/x-www-form-urlencoded
--- answer: 415 media_type_unsupported







=== TEST 20: application/json as a parameter of something else
--- event: {}
--- event_with: "type=text/plain; type=application/json"
--- answer: 415 media_type_unsupported







=== TEST 21: Content-Encoding: gzip
--- event: {}
--- event_with: "Content-Encoding: gzip"
--- answer: 415 media_type_unsupported
--- response_body_like: Content-Encoding
--- target_count: 0







=== TEST 22: any Content-Encoding
--- event: {}
--- event_with: "content-encoding: identity"
--- answer: 415 media_type_unsupported







=== TEST 23: what the sender accepts is nothing to us
--- event: {}
--- event_with: "Accept: text/html" "Accept-Encoding: br"
--- answer: 200 delivered







=== TEST 24: none of the sender's headers reach the target
--- event: {}
--- event_with: "Authorization: Bearer x" "Cookie: a=b" "X-Forwarded-For: 1.2.3.4" "X-A: b" "User-Agent: Svix-Webhooks/1" "Accept: */*"
--- answer: 200 delivered
--- target_headers
!authorization
!cookie
!x-forwarded-for
!x-a
!accept
!svix-id
!svix-signature
user-agent: ~ ^jamhook/\d
content-type: application/json
content-length: 2
