# The answer's form: status, headers, the whole body.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /two { jamhook_pass audit other; jamhook_verify keys/P1.key; }
    location = /fin-in { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /small {
        jamhook_pass          audit;
        jamhook_verify        keys/P1.key;
        client_max_body_size  10;
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        jamhook_timeout   200ms;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /other {
        jamhook_endpoint  other;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT/x;
    }
});

run_tests();

__DATA__

=== TEST 1: delivered
--- event
{"id":"evt_1","type":"a.b","created_at":"2025-09-09T12:00:00Z","data":{}}
--- event_with: id=msg_1-Z_9
--- answer: 200 delivered
--- response_body: {"result":"delivered","id":"msg_1-Z_9","type":"a.b"}
--- response_headers
Content-Length: 52
!WWW-Authenticate
!Retry-After
!Allow
--- target_count: 1







=== TEST 2: ignored
--- event: {"type":"jam.created","data":{"jamId":"j"}}
--- event_with: id=msg_2 uri=/fin-in
--- error_code: 200
--- response_body: {"result":"ignored","id":"msg_2","type":"jam.created"}
--- response_headers
Content-Type: application/json
--- target_count: 0







=== TEST 3: 400: body_invalid
--- event: [1]
--- error_code: 400
--- response_body_like chomp
^\{"title":"Bad Request","status":400,"detail":"[^"\\]+","code":"body_invalid"\}$
--- response_headers
Content-Type: application/problem+json
!WWW-Authenticate
--- target_count: 0







=== TEST 4: 401: signature_missing
--- event: {}
--- event_with: key=none
--- error_code: 401
--- response_body: {"title":"Unauthorized","status":401,"detail":"a signature header is missing","code":"signature_missing"}
--- response_headers
Content-Type: application/problem+json
WWW-Authenticate: Standard-Webhooks
--- target_count: 0







=== TEST 5: 401: signature_invalid
--- event: {}
--- event_with: key=P2
--- error_code: 401
--- response_body: {"title":"Unauthorized","status":401,"detail":"no key matches the signature","code":"signature_invalid"}
--- response_headers
Content-Type: application/problem+json
WWW-Authenticate: Standard-Webhooks
--- target_count: 0







=== TEST 6: 401: timestamp_invalid
--- event: {}
--- event_with: ts=-1000
--- error_code: 401
--- response_body: {"title":"Unauthorized","status":401,"detail":"timestamp too old","code":"timestamp_invalid"}
--- response_headers
Content-Type: application/problem+json
WWW-Authenticate: Standard-Webhooks
--- target_count: 0







=== TEST 7: 405: method_not_allowed
--- event: {}
--- event_with: method=PUT
--- error_code: 405
--- response_body: {"title":"Method Not Allowed","status":405,"detail":"the method is not POST","code":"method_not_allowed"}
--- response_headers
Content-Type: application/problem+json
Allow: POST
!WWW-Authenticate
--- target_count: 0







=== TEST 8: 413: body_too_large
--- event: {"a":"more than ten bytes"}
--- event_with: uri=/small chunked=1000
--- error_code: 413
--- target_count: 0







=== TEST 9: 415: media_type_unsupported
--- event: {}
--- event_with: type=text/plain
--- error_code: 415
--- response_body_like chomp
^\{"title":"Unsupported Media Type","status":415,"detail":"the .*Content-Type.* is not .*application/json.*","code":"media_type_unsupported"\}$
--- response_headers
Content-Type: application/problem+json
--- target_count: 0







=== TEST 10: 422: event_invalid
--- event: {"type":"intercom.recorder.recorded","data":{}}
--- event_with: uri=/fin-in
--- error_code: 422
--- response_body_like chomp
^\{"title":"Unprocessable Content","status":422,"detail":"\\"conversationId\\" is missing","code":"event_invalid"\}$
--- response_headers
Content-Type: application/problem+json
--- target_count: 0







=== TEST 11: 502: delivery_failed
--- event: {}
--- target: 500
--- error_code: 502
--- response_body_like chomp
^\{"title":"Bad Gateway","status":502,"detail":"[^}]*audit[^}]*500[^}]*","code":"delivery_failed"\}$
--- response_headers
Content-Type: application/problem+json
!Retry-After
--- target_count: 1







=== TEST 12: 504: delivery_failed
--- event: {}
--- target: hang
--- error_code: 504
--- response_body_like chomp
^\{"title":"Gateway Timeout","status":504,"detail":"[^}]*audit[^}]*timeout[^}]*","code":"delivery_failed"\}$
--- response_headers
Content-Type: application/problem+json
!Retry-After
--- target_count: 1







=== TEST 13: 503: unavailable, with our Retry-After
--- event: {}
--- target: 503
--- error_code: 503
--- response_body_like chomp
^\{"title":"Service Unavailable","status":503,"detail":"[^}]*audit[^}]*503[^}]*","code":"unavailable"\}$
--- response_headers
Content-Type: application/problem+json
Retry-After: 5
--- target_count: 1







=== TEST 14: 503: unavailable, with the target's Retry-After
--- event: {}
--- target: 429 "Retry-After: 42"
--- answer: 503 unavailable
--- response_headers
Retry-After: 42
--- target_count: 1







=== TEST 15: the worst outcome decides: 503 before 502
--- event: {}
--- event_with: uri=/two
--- target
/audit 500
/other 429 "Retry-After: 9"
--- answer: 503 unavailable
--- response_headers
Retry-After: 9
--- target_count: 2







=== TEST 16: 504 before 502
--- event: {}
--- event_with: uri=/two
--- target
/audit hang
/other 500
--- answer: 504 delivery_failed
--- target_count: 2







=== TEST 17: 502 before success
--- event: {}
--- event_with: uri=/two
--- target
/audit 200
/other 400
--- answer: 502 delivery_failed
--- response_body_like: other
--- target_count: 2







=== TEST 18: the answer has nothing of the target's
--- event: {}
--- target: 500 body=secret-of-the-target "X-Secret: of-the-target" "Set-Cookie: a=b"
--- error_code: 502
--- response_body_unlike: of-the-target
--- response_headers
!X-Secret
!Set-Cookie







=== TEST 19: nor has success
--- event: {}
--- target: 201 body=secret-of-the-target "X-Secret: of-the-target"
--- answer: 200 delivered
--- response_headers
!X-Secret







=== TEST 20: the refusal of a body that is no JSON repeats nothing of it
--- event: {"conversationId":"c-secret" oops}
--- error_code: 400
--- response_body_unlike: secret|oops







=== TEST 21: nor does that of a member
--- event: {"conversationId":"c/secret"}
--- event_with: uri=/fin-in
--- error_code: 422
--- response_body_unlike: secret
