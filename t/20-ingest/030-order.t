# What is judged first: 405, 415, 401, 413, 401, 400, 422.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam {
        jamhook_pass          fin;
        jamhook_verify        keys/P1.key;
        client_max_body_size  50;
    }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

our $large = 'x' x 51;

run_tests();

__DATA__

=== TEST 1: the method before the media type
--- event: x
--- event_with: method=PUT type=text/plain key=none
--- answer: 405 method_not_allowed







=== TEST 2: the method before the body's size
--- event eval: $main::large
--- event_with: method=PUT chunked=100
--- answer: 405 method_not_allowed







=== TEST 3: the media type before the headers
--- event: x
--- event_with: type=text/plain key=none
--- answer: 415 media_type_unsupported







=== TEST 4: the encoding before the headers
--- event: x
--- event_with: key=none "Content-Encoding: gzip"
--- answer: 415 media_type_unsupported







=== TEST 5: the media type before the body's size
--- event eval: $main::large
--- event_with: type=text/plain chunked=100
--- answer: 415 media_type_unsupported







=== TEST 6: a missing header before the body's size
--- event eval: $main::large
--- event_with: key=none chunked=100
--- answer: 401 signature_missing







=== TEST 7: a malformed id before the timestamp
--- event: x
--- event_with: id=. ts=-1000
--- answer: 401 signature_missing







=== TEST 8: the timestamp before the body's size
--- event eval: $main::large
--- event_with: ts=-1000 chunked=100
--- answer: 401 timestamp_invalid







=== TEST 9: the body's size before the signature
--- event eval: $main::large
--- event_with: signature=v1,x chunked=100
--- error_code: 413







=== TEST 10: the body's size by its length, before nginx asks us
--- event eval: $main::large
--- event_with: signature=v1,x
--- error_code: 413
--- expected
client intended to send too large body







=== TEST 11: the timestamp before the signature
--- event: x
--- event_with: signature=v1,x ts=-1000
--- answer: 401 timestamp_invalid







=== TEST 12: the signature before the body's form
--- event: no JSON
--- event_with: signature=v1,x
--- answer: 401 signature_invalid







=== TEST 13: the signature before the members
--- event: {"conversationId":"../x"}
--- event_with: signature=v1,x
--- answer: 401 signature_invalid







=== TEST 14: the body's form before the members
--- event: {"conversationId":"../x"},
--- answer: 400 body_invalid







=== TEST 15: the members before the delivery
--- event: {"conversationId":"../x"}
--- answer: 422 event_invalid
--- target_count: 0
