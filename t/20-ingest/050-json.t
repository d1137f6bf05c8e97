# One JSON object in valid UTF-8, or 400 (t/unit/test_json.c has the rest).

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

sub deep { '{"a":' . '[' x $_[0] . ']' x $_[0] . '}' }

run_tests();

__DATA__

=== TEST 1: an array
--- event: [{"conversationId":"1"}]
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 2: a string
--- event: "conversationId"
--- answer: 400 body_invalid







=== TEST 3: null
--- event: null
--- answer: 400 body_invalid







=== TEST 4: white space alone
--- event eval: " \r\n\t"
--- answer: 400 body_invalid







=== TEST 5: an empty object is one
--- event: {}
--- answer: 200 delivered







=== TEST 6: white space around it is fine
--- event eval: " \r\n\t{ } \n"
--- answer: 200 delivered
--- target_count: 1







=== TEST 7: two objects
--- event: {} {}
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 8: something after it
--- event: {"a":1}x
--- answer: 400 body_invalid







=== TEST 9: a NUL after it
--- event eval: "{}\0"
--- answer: 400 body_invalid







=== TEST 10: a NUL inside
--- event eval: "{\"a\":\"\0\"}"
--- answer: 400 body_invalid







=== TEST 11: an object that does not end
--- event: {"a":{}
--- answer: 400 body_invalid







=== TEST 12: a comma too many
--- event: {"a":1,}
--- answer: 400 body_invalid







=== TEST 13: single quotes
--- event: {'a':1}
--- answer: 400 body_invalid







=== TEST 14: a name without quotes
--- event: {a:1}
--- answer: 400 body_invalid







=== TEST 15: a comment
--- event: {"a":1/**/}
--- answer: 400 body_invalid







=== TEST 16: NaN
--- event: {"a":NaN}
--- answer: 400 body_invalid







=== TEST 17: a number with a leading zero
--- event: {"a":01}
--- answer: 400 body_invalid







=== TEST 18: a number with a plus
--- event: {"a":+1}
--- answer: 400 body_invalid







=== TEST 19: a number that ends in a dot
--- event: {"a":1.}
--- answer: 400 body_invalid







=== TEST 20: True
--- event: {"a":True}
--- answer: 400 body_invalid







=== TEST 21: a line break in a string
--- event eval: "{\"a\":\"\n\"}"
--- answer: 400 body_invalid







=== TEST 22: an unknown escape
--- event: {"a":"\x41"}
--- answer: 400 body_invalid







=== TEST 23: half a surrogate pair
--- event: {"a":"\ud800"}
--- answer: 400 body_invalid







=== TEST 24: a whole one
--- event: {"a":"\ud83d\ude00"}
--- answer: 200 delivered







=== TEST 25: a byte order mark
--- event eval: "\xef\xbb\xbf{}"
--- answer: 400 body_invalid







=== TEST 26: a byte that is no UTF-8
--- event eval: "{\"a\":\"\xff\"}"
--- answer: 400 body_invalid







=== TEST 27: an overlong "/"
--- event eval: "{\"a\":\"\xc0\xaf\"}"
--- answer: 400 body_invalid







=== TEST 28: a surrogate in UTF-8
--- event eval: "{\"a\":\"\xed\xa0\x80\"}"
--- answer: 400 body_invalid







=== TEST 29: Latin-1
--- event eval: "{\"a\":\"\xe4\"}"
--- answer: 400 body_invalid







=== TEST 30: UTF-16
--- event eval: "\xff\xfe{\0}\0"
--- answer: 400 body_invalid







=== TEST 31: 63 levels under the object
--- event eval: main::deep(63)
--- answer: 200 delivered
--- target_count: 1







=== TEST 32: 64
--- event eval: main::deep(64)
--- answer: 400 body_invalid







=== TEST 33: 200
--- event eval: main::deep(200)
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 34: 100,000, which would be a stack's end
--- event eval: '{"a":' x 100000
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 35: doubled members that nobody uses
--- event: {"x":1,"x":2}
--- answer: 200 delivered
--- target_requests
POST /audit {"x":1,"x":2}







=== TEST 36: a large integer keeps its digits
--- event: {"a":123456789012345678901234567890}
--- answer: 200 delivered
--- target_requests
POST /audit {"a":123456789012345678901234567890}







=== TEST 37: a number beyond all of them keeps its text
--- event: {"a":1e400}
--- answer: 200 delivered
--- target_requests
POST /audit {"a":1e400}







=== TEST 38: members whose names differ by letter case are two
--- event: {"Type":"a","type":"b","TYPE":"c","data":{}}
--- answer: 200 delivered
--- response_body_like: "type":"b"







=== TEST 39: an escaped name is the name
--- event: {"\u0074ype":"a.b","data":{}}
--- answer: 200 delivered
--- response_body_like: "type":"a\.b"
