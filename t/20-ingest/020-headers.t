# The three headers: there once, well formed, in time. Else 401.

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

=== TEST 1: no id
--- event: {}
--- event_with: without=svix-id
--- answer: 401 signature_missing
--- response_body_like: a signature header is missing
--- response_headers
WWW-Authenticate: Standard-Webhooks
--- target_count: 0







=== TEST 2: no timestamp
--- event: {}
--- event_with: without=svix-timestamp
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 3: no signature
--- event: {}
--- event_with: without=svix-signature
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 4: an empty id
--- event: {}
--- event_with: without=svix-id svix-id:
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 5: an empty timestamp
--- event: {}
--- event_with: without=svix-timestamp svix-timestamp:
--- answer: 401 signature_missing







=== TEST 6: an empty signature
--- event: {}
--- event_with: signature=
--- answer: 401 signature_missing







=== TEST 7: an id that comes twice
--- event: {}
--- event_with: id=msg_1 "svix-id: msg_1"
--- answer: 401 signature_missing
--- response_body_like: a signature header stands twice
--- target_count: 0







=== TEST 8: a timestamp that comes twice
--- event: {}
--- event_with: "Svix-Timestamp: 1"
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 9: a signature that comes twice
--- event: {}
--- event_with: "SVIX-SIGNATURE: v1,x"
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 10: a header that comes twice, the second time empty
--- event: {}
--- event_with: svix-id:
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 11: a doubled header of the family that would not count
--- event: {}
--- event_with: "webhook-id: a" "webhook-id: b"
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 12: an id with a dot
--- event: {}
--- event_with: id=msg.1
--- answer: 401 signature_missing
--- response_body_like: the message id is malformed
--- target_count: 0







=== TEST 13: an id with a slash
--- event: {}
--- event_with: id=msg/1
--- answer: 401 signature_missing







=== TEST 14: an id with a space inside
--- event: {}
--- event_with: "id=msg 1"
--- answer: 401 signature_missing







=== TEST 15: an id with a quote
--- event: {}
--- event_with: "id=msg'1"
--- answer: 401 signature_missing







=== TEST 16: an id of bytes over 127
--- event: {}
--- event_with eval: "id=msg_\xc3\xa9"
--- answer: 401 signature_missing







=== TEST 17: an id of 256 characters
--- event: {}
--- event_with eval: 'id=' . 'm' x 256
--- answer: 200 delivered







=== TEST 18: an id of 257 characters
--- event: {}
--- event_with eval: 'id=' . 'm' x 257
--- answer: 401 signature_missing







=== TEST 19: an id of one character, and all that it may have
--- event: {}
--- event_with: id=aZ09_-
--- answer: 200 delivered
--- target_headers
webhook-id: aZ09_-







=== TEST 20: a timestamp that is a word
--- event: {}
--- event_with: at=now
--- answer: 401 timestamp_invalid
--- response_body_like: the timestamp is not a number
--- response_headers
WWW-Authenticate: Standard-Webhooks







=== TEST 21: a timestamp in milliseconds
--- event: {}
--- event_with eval: 'at=' . time() . '000'
--- answer: 401 timestamp_invalid







=== TEST 22: a timestamp with a plus
--- event: {}
--- event_with eval: 'at=+' . time()
--- answer: 401 timestamp_invalid







=== TEST 23: a timestamp with a minus
--- event: {}
--- event_with eval: 'at=-' . time()
--- answer: 401 timestamp_invalid







=== TEST 24: a timestamp with a leading zero
--- event: {}
--- event_with eval: 'at=0' . time()
--- answer: 401 timestamp_invalid







=== TEST 25: a timestamp with a fraction
--- event: {}
--- event_with eval: 'at=' . time() . '.0x'
--- answer: 401 timestamp_invalid







=== TEST 26: a timestamp with a space inside
--- event: {}
--- event_with eval: '"at=' . time() . ' 1"'
--- answer: 401 timestamp_invalid







=== TEST 27: a timestamp in hexadecimal
--- event: {}
--- event_with eval: sprintf 'at=0x%x', time
--- answer: 401 timestamp_invalid







=== TEST 28: the timestamp 0
--- event: {}
--- event_with: at=0
--- answer: 401 timestamp_invalid







=== TEST 29: a timestamp that no number holds
--- event: {}
--- event_with: at=18446744075436516610
--- answer: 401 timestamp_invalid







=== TEST 30: a timestamp of 1,000 digits
--- event: {}
--- event_with eval: 'at=' . '9' x 1000
--- answer: 401 timestamp_invalid







=== TEST 31: a date
--- event: {}
--- event_with: "at=Tue, 09 Sep 2025 12:00:00 GMT"
--- answer: 401 timestamp_invalid







=== TEST 32: a signature without a version is none that matches
--- event: {}
--- event_with: signature=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
--- answer: 401 signature_invalid
--- response_headers
WWW-Authenticate: Standard-Webhooks







=== TEST 33: names in any letter case
--- event: {}
--- event_with eval
my ($id, $ts, $sig) = Jamhook::Sign::headers(key => 'P1', body => '{}', timestamp => time);
"key=none 'SVIX-ID: $id->[1]' 'Svix-Timestamp: $ts->[1]' 'sViX-sIgNaTuRe: $sig->[1]'"
--- answer: 200 delivered







=== TEST 34: a header with an underscore is another one
--- event: {}
--- event_with: without=svix-id svix_id:\ msg_1
--- answer: 401 signature_missing







=== TEST 35: without headers the body is not waited for
--- config
    # how long nginx waits for the rest, before it closes
    lingering_timeout 200ms;
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- raw_request eval
"POST /jam HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n"
--- answer: 401 signature_missing
--- target_count: 0
