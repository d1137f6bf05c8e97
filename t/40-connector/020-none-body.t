# A plain endpoint is sent the bytes as they came.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: white space stays as it came
--- endpoint
proxy_pass http://TARGET/a;
--- event eval
" \r\n\t{ \"conversationId\" :\t\"7\" ,\n\"x\":[1 ,2] }\n \n\n"
--- answer: 200 delivered
--- target_check
is($requests[0]{body},
   " \r\n\t{ \"conversationId\" :\t\"7\" ,\n\"x\":[1 ,2] }\n \n", 'as it came');


=== TEST 2: non-ASCII bytes and escapes stay as they came
--- endpoint
proxy_pass http://TARGET/a;
--- event eval
"{\"type\":\"x.y\",\"data\":{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\","
. '"b":"\u00e9\ud83d\ude00\/","n":1.50e+10}}'
--- answer: 200 delivered
--- target_requests eval
"POST /a {\"type\":\"x.y\",\"data\":{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\","
. '"b":"\u00e9\ud83d\ude00\/","n":1.50e+10}}'


=== TEST 3: a large body arrives whole
--- endpoint
proxy_pass http://TARGET/a;
--- event eval
'{"type":"x.y","data":{"a":"' . ('0123456789abcdef' x 65536) . '"}}'
--- answer: 200 delivered
--- target_check
is($requests[0]{body}, '{"type":"x.y","data":{"a":"'
                       . ('0123456789abcdef' x 65536) . '"}}', 'whole');


=== TEST 4: a chunked body arrives whole and with its length
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"type":"x.y","data":{"a":"0123456789"}}
--- event_with: chunked=7
--- answer: 200 delivered
--- target_requests
POST /a {"type":"x.y","data":{"a":"0123456789"}}
--- target_headers
content-length: 40
!transfer-encoding


=== TEST 5: a body from a temporary file arrives whole
--- config
location = /jam {
    client_body_in_file_only clean;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}

location = /e {
    jamhook_endpoint e;
    jamhook_sign off;
    proxy_pass http://TARGET/a;
}
--- event eval
'{"type":"x.y","data":{"a":"' . ('0123456789abcdef' x 4096) . '"}}'
--- answer: 200 delivered
--- target_check
is($requests[0]{body}, '{"type":"x.y","data":{"a":"'
                       . ('0123456789abcdef' x 4096) . '"}}', 'whole');


=== TEST 6: the location's URL is used as it is
--- config
location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

location /some/where {
    jamhook_endpoint e;
    jamhook_sign off;
    proxy_pass http://TARGET/a/b?c=d;
}
--- event
{"type":"x.y","data":{}}
--- answer: 200 delivered
--- target_requests
POST /a/b?c=d {"type":"x.y","data":{}}


=== TEST 7: without a URI in the URL it is the location's name
--- config
location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

location /some/where {
    jamhook_endpoint e;
    jamhook_sign off;
    proxy_pass http://TARGET;
}
--- event
{"type":"x.y","data":{}}
--- answer: 200 delivered
--- target_requests
POST /some/where {"type":"x.y","data":{}}


=== TEST 8: an exact location works as well
--- config
location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

location = /e {
    jamhook_endpoint e;
    jamhook_sign off;
    proxy_pass http://TARGET/a;
}
--- event
{"type":"x.y","data":{}}
--- answer: 200 delivered
--- target_requests
POST /a {"type":"x.y","data":{}}


=== TEST 9: jamhook_connector none is the same as none
--- endpoint
jamhook_connector none;
proxy_pass http://TARGET/a;
--- event
{"type" : "x.y","data":{}}
--- answer: 200 delivered
--- target_requests
POST /a {"type" : "x.y","data":{}}


=== TEST 10: the query of the sender's URL goes nowhere
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"type":"x.y","data":{}}
--- event_with: uri=/jam?secret=1
--- answer: 200 delivered
--- target_requests
POST /a {"type":"x.y","data":{}}
