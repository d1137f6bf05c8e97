# What a call may say, and that nothing is done where it may not.
#
# stores: sqlite pgsql

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;
use Jamhook::Store;

Jamhook::Conf::config(q{
    location /jamhook/ { jamhook_portal; }
    location /file/ { jamhook_portal; client_body_in_file_only clean; }
    location /small/ { jamhook_portal; client_max_body_size 16; }

    location = /plain {
        jamhook_endpoint  plain;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       off;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT/fin;
    }
});

run_tests();

__DATA__

=== TEST 1: an unknown parameter is 400
--- store
--- request
GET /jamhook/api/events?foo=1
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"foo"\}$







=== TEST 2: one of another call is 400
--- store
--- request
GET /jamhook/api/attempts?jam_id=1
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"jam_id"\}$







=== TEST 3: one twice is 400
--- store
--- request
GET /jamhook/api/events?type=a&type=b
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"type"\}$







=== TEST 4: a state that is none is 400
--- store
--- request
GET /jamhook/api/events?state=gone
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"state"\}$







=== TEST 5: a result that is none is 400
--- store
--- request
GET /jamhook/api/attempts?result=bad
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"result"\}$







=== TEST 6: a limit of 0 is 400
--- store
--- request
GET /jamhook/api/events?limit=0
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"limit"\}$







=== TEST 7: a limit over 250 is 400
--- store
--- request
GET /jamhook/api/events?limit=251
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"limit"\}$







=== TEST 8: a limit that is no number is 400
--- store
--- request
GET /jamhook/api/events?limit=ten
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"limit"\}$







=== TEST 9: a cursor that is none is 400
--- store
--- request
GET /jamhook/api/events?cursor=x
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"cursor"\}$







=== TEST 10: a time that is none is 400
--- store
--- request
GET /jamhook/api/attempts?since=yesterday
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"since"\}$







=== TEST 11: a time without its offset is 400
--- store
--- request
GET /jamhook/api/events?until=2026-11-23T00:00:00
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"until"\}$







=== TEST 12: a window that is none is 400
--- store
--- request
GET /jamhook/api/stats?window=2h
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"window"\}$







=== TEST 13: a control character is 400
--- store
--- request
GET /jamhook/api/events?type=a%00b
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"type"\}$







=== TEST 14: a parameter where there is none is 400
--- store
--- request
GET /jamhook/api/endpoints?x=1
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"x"\}$







=== TEST 15: a name that is no text
--- store
--- request
GET /jamhook/api/status?%ff%3C%0a=1
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"\?<\?"\}$







=== TEST 16: empty values are none
--- store
--- request
GET /jamhook/api/events?type=&state=&limit=&cursor=&since=
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"data":\[\],"next":null\}$







=== TEST 17: a body that is no JSON
--- store
--- request
POST /jamhook/api/events/x/replay
endpoint=a
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"body"\}$







=== TEST 18: an array
--- store
--- request
POST /jamhook/api/events/x/replay
[]
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"body"\}$







=== TEST 19: two objects
--- store
--- request
POST /jamhook/api/events/x/replay
{}{}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"body"\}$







=== TEST 20: an unknown member
--- store
--- request
POST /jamhook/api/events/x/replay
{"endpoint":"plain","Endpoint":"fin"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"Endpoint"\}$







=== TEST 21: a member twice
--- store
--- request
POST /jamhook/api/events/x/replay
{"endpoint":"plain","endpoint":"fin"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"endpoint"\}$







=== TEST 22: a member of a wrong type
--- store
--- request
POST /jamhook/api/events/x/replay
{"endpoint":1}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"endpoint"\}$







=== TEST 23: a member with a zero in it
--- store
--- request
POST /jamhook/api/events/x/replay
{"endpoint":"plain\u0000"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"endpoint"\}$







=== TEST 24: an endpoint that is not configured
--- store
--- request
POST /jamhook/api/events/x/replay
{"endpoint":"other"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"endpoint"\}$







=== TEST 25: a member where there is none
--- store
--- request
POST /jamhook/api/endpoints/plain/pause
{"reason":"x"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"reason"\}$







=== TEST 26: a member of a DELETE
--- store
--- request
DELETE /jamhook/api/events/x
{"all":true}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"all"\}$







=== TEST 27: a parameter of a POST
--- store
--- request
POST /jamhook/api/endpoints/plain/pause?x=1
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"x"\}$







=== TEST 28: a time that is none, in a body
--- store
--- request
POST /jamhook/api/endpoints/plain/recover
{"since":"now"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"since"\}$







=== TEST 29: the second time
--- store
--- request
POST /jamhook/api/endpoints/plain/recover
{"since":null,"until":"2026-02-30T00:00:00Z"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"until"\}$







=== TEST 30: a test's type
--- store
--- request
POST /jamhook/api/endpoints/plain/test
{"type":"a b"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"type"\}$
--- target_count: 0







=== TEST 31: a test's conversation
--- store
--- request
POST /jamhook/api/endpoints/plain/test
{"conversation_id":"../x"}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"conversation_id"\}$
--- target_count: 0







=== TEST 32: an empty one
--- store
--- request
POST /jamhook/api/endpoints/fin/test
{"conversation_id":""}
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"conversation_id"\}$
--- target_count: 0







=== TEST 33: Fin's test needs one
--- store
--- request
POST /jamhook/api/endpoints/fin/test
--- more_headers
X-Jamhook-Request: 1
--- error_code: 400
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"parameter_invalid","parameter":"conversation_id"\}$
--- target_count: 0







=== TEST 34: no event of this id
--- store
--- request
POST /jamhook/api/events/x/replay
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 35: none to forget
--- store
--- request
DELETE /jamhook/api/events/x
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 36: no endpoint to pause
--- store
--- request
POST /jamhook/api/endpoints/x/pause
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 37: none to resume
--- store
--- request
POST /jamhook/api/endpoints/x/resume
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 38: none to recover
--- store
--- request
POST /jamhook/api/endpoints/x/recover
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 39: none to test
--- store
--- request
POST /jamhook/api/endpoints/x/test
--- more_headers
X-Jamhook-Request: 1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 40: no event to show
--- store
--- request
GET /jamhook/api/events/x
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 41: no endpoint to show
--- store
--- request
GET /jamhook/api/endpoints/x
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 42: without X-Jamhook-Request nothing is done
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 43: with another value neither
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: yes
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 44: from another origin neither
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Origin: http://evil.test
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 45: nor from another port
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Origin: http://localhost:1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 46: nor from no origin
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Origin: null
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 47: nor from one that begins like ours
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Origin: http://localhost.evil.test
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 48: nor across sites
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Sec-Fetch-Site: cross-site
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 49: nor from the same site
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Sec-Fetch-Site: same-site
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 50: nor with one of two headers right
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Origin: http://localhost
Origin: http://evil.test
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"
--- target_count: 0
--- log
jamhook portal refused a call: forbidden







=== TEST 51: nor a DELETE
--- store
--- request
DELETE /jamhook/api/events/x
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"







=== TEST 52: our own page may
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Host: jam.test:8080
Origin: http://jam.test:8080
Sec-Fetch-Site: same-origin
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "trigger":"test"
--- target_count: 1







=== TEST 53: in any letter case, and behind TLS
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Host: Jam.Test
Origin: https://jam.test
Sec-Fetch-Site: none
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "trigger":"test"
--- target_count: 1







=== TEST 54: the scheme's own port
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1
Host: jam.test:443
Origin: https://jam.test
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "trigger":"test"
--- target_count: 1







=== TEST 55: a program may
--- store
--- request
POST /jamhook/api/endpoints/plain/test
--- more_headers
X-Jamhook-Request: 1

--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "trigger":"test"
--- target_count: 1







=== TEST 56: an empty object
--- store
--- request
POST /jamhook/api/endpoints/plain/test
{}
--- more_headers
X-Jamhook-Request: 1

--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "trigger":"test"
--- target_count: 1







=== TEST 57: a body in a file
--- store
--- request
POST /file/api/endpoints/plain/test
{"type":"a.b"}
--- more_headers
X-Jamhook-Request: 1

--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: type\\":\\"a.b
--- target_count: 1







=== TEST 58: a body in chunks
--- store
--- raw_request eval
"POST /jamhook/api/endpoints/plain/test HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Jamhook-Request: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"t\r\nb\r\nype\":\"a.b\"}\r\n0\r\n\r\n"
--- error_code: 200
--- response_body_like: type\\":\\"a.b
--- target_count: 1







=== TEST 59: a body of more than 64 KiB
--- store
--- request eval
"POST /jamhook/api/endpoints/plain/test\n{" . ' ' x 65535 . '}'
--- more_headers
X-Jamhook-Request: 1
--- error_code: 413
--- response_headers
Cache-Control: no-store
--- response_body_like: "code":"body_too_large"
--- target_count: 0







=== TEST 60: one of 64 KiB
--- store
--- request eval
"POST /jamhook/api/endpoints/plain/test\n{" . ' ' x 65534 . '}'
--- more_headers
X-Jamhook-Request: 1
--- error_code: 200
--- response_body_like: "trigger":"test"







=== TEST 61: too large, in chunks
--- store
--- raw_request eval
"POST /jamhook/api/endpoints/plain/test HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Jamhook-Request: 1\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" . ' ' x 0x10001 . "\r\n0\r\n\r\n"
--- error_code: 413
--- response_body_like: "code":"body_too_large"
--- target_count: 0







=== TEST 62: over client_max_body_size, in chunks
--- store
--- raw_request eval
"POST /small/api/endpoints/plain/test HTTP/1.1\r\nHost: localhost\r\nX-Jamhook-Request: 1\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n" . ' ' x 0x11 . "\r\n0\r\n\r\n"
--- error_code: 413
--- response_headers
Connection: close
--- response_body_like: "code":"body_too_large"
--- target_count: 0
