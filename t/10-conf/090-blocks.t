# "if" and "limit_except" in the locations of ingest and of endpoints.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam {
        jamhook_pass       audit;
        jamhook_verify     keys/P1.key;
        jamhook_event_type outer;

        if ($arg_set) { set $x 1; }
        if ($arg_verify) { jamhook_verify keys/P2.key; }
        if ($arg_off) { jamhook_verify off; }
        if ($arg_tolerance) { jamhook_tolerance 10s; }
        if ($arg_type) { jamhook_event_type inner; }
        if ($arg_pass) { jamhook_pass other; }
        if ($arg_return) { return 403; }
        if ($arg_rewrite) { rewrite ^ /elsewhere last; }
    }
    location = /only {
        if ($arg_pass) { jamhook_pass audit; jamhook_verify keys/P1.key; }
    }
    location = /elsewhere { jamhook_pass other; jamhook_verify keys/P1.key; }
    location = /except-deny {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        limit_except POST { deny all; }
    }
    location = /except-all {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        limit_except GET { deny all; }
    }
    location = /except-verify {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        limit_except GET { jamhook_verify keys/P2.key; }
    }
    location = /except-pass {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        limit_except GET { jamhook_pass other; jamhook_event_type inner; }
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /other {
        jamhook_endpoint  other;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

run_tests();

__DATA__

=== TEST 1: an "if" that changes nothing of ours leaves the location as it is
--- event: {}
--- event_with: uri=/jam?set=1
--- answer: 200 delivered
--- response_body_like: "type":"outer"
--- target_requests
POST /audit {}
--- target_signed: S1







=== TEST 2: jamhook_verify in an "if" counts
--- event: {}
--- event_with: uri=/jam?verify=1 key=P2
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 3: and that of the location does not
--- event: {}
--- event_with: uri=/jam?verify=1
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 4: without the condition it is the other way round
--- event: {}
--- event_with: uri=/jam key=P2
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 5: jamhook_verify off in an "if" counts
--- event: {}
--- event_with: uri=/jam?off=1 key=none
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 6: jamhook_tolerance in an "if" counts
--- event: {}
--- event_with: uri=/jam?tolerance=1 ts=-20
--- answer: 401 timestamp_invalid
--- target_count: 0







=== TEST 7: jamhook_event_type in an "if" counts
--- event: {}
--- event_with: uri=/jam?type=1
--- answer: 200 delivered
--- response_body_like: "type":"inner"







=== TEST 8: jamhook_pass in an "if" counts, with the location's jamhook_verify
--- event: {}
--- event_with: uri=/jam?pass=1
--- answer: 200 delivered
--- target_requests
POST /other {}







=== TEST 9: and an event that is not signed is refused there
--- event: {}
--- event_with: uri=/jam?pass=1 key=none
--- answer: 401 signature_missing







=== TEST 10: "return" in an "if" comes first
--- event: {}
--- event_with: uri=/jam?return=1
--- error_code: 403
--- target_count: 0







=== TEST 11: "rewrite" in an "if" leads to another ingest location
--- event: {}
--- event_with: uri=/jam?rewrite=1
--- answer: 200 delivered
--- target_requests
POST /other {}







=== TEST 12: jamhook_pass in an "if" alone takes events in
--- event: {}
--- event_with: uri=/only?pass=1
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 13: and without the condition nothing is taken in
--- event: {}
--- event_with: uri=/only
--- error_code_like: ^4\d\d$
--- target_count: 0







=== TEST 14: an event passes by limit_except POST
--- event: {}
--- event_with: uri=/except-deny
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 15: which keeps others out
--- request
GET /except-deny
--- error_code: 403







=== TEST 16: limit_except GET with "deny" keeps an event out
--- event: {}
--- event_with: uri=/except-all
--- error_code: 403
--- target_count: 0







=== TEST 17: and lets GET hear of the method
--- request
GET /except-all
--- answer: 405 method_not_allowed







=== TEST 18: jamhook_verify in limit_except counts
--- event: {}
--- event_with: uri=/except-verify key=P2
--- answer: 200 delivered
--- target_requests
POST /audit {}







=== TEST 19: and that of the location does not
--- event: {}
--- event_with: uri=/except-verify
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 20: jamhook_pass and jamhook_event_type in limit_except count
--- event: {}
--- event_with: uri=/except-pass
--- answer: 200 delivered
--- response_body_like: "type":"inner"
--- target_requests
POST /other {}







=== TEST 21: an "if" in an endpoint's location chooses another target
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        if ($jamhook_type = intercom.recorder.opted_out) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/opted/$jamhook_conversation_id;
        }
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/recorded;
    }
--- event: {"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /opted/7 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}
--- target_signed: S1
--- warned







=== TEST 22: and where it does not hold the location's
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        if ($jamhook_type = intercom.recorder.opted_out) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/opted/$jamhook_conversation_id;
        }
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/recorded;
    }
--- event: {"conversationId":"7","jamId":"j"}
--- answer: 200 delivered
--- target_requests
POST /recorded/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","jamId":"j"}}
--- target_signed: S1







=== TEST 23: an "if" in an endpoint's location that changes nothing of ours
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin wrap=data;
        jamhook_sign       keys/S1.key prefix=svix;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/path;
        if ($jamhook_type) { set $x 1; }
    }
--- event: {"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /path/7 {"data":{"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}}
--- target_signed: S1 svix







=== TEST 24: a client hears 404 in an "if" of an endpoint's location too
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_sign       keys/S1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/path;
        if ($arg_a) { proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT; }
    }
--- request
POST /fin?a=1
x
--- error_code: 404
--- target_count: 0







=== TEST 25: limit_except in an endpoint's location does not stand in a delivery's way
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/path;
        limit_except GET { deny all; }
    }
--- event: {"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /path/7
--- target_signed: S1







=== TEST 26: and is not another way in
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_sign       keys/S1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/path;
        limit_except GET { proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT; }
    }
--- request
POST /fin
x
--- error_code: 404
--- target_count: 0







=== TEST 27: a target that limit_except names is a delivery's
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT/path;
        limit_except GET {
            proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/in/$jamhook_conversation_id;
        }
    }
--- event: {"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /in/7
--- target_signed: S1
