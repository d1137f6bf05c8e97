# Who is let in, the page's files, and what goes with each answer.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;
use Jamhook::Store;

Jamhook::Conf::config(q{
    set_real_ip_from  127.0.0.1;
    real_ip_header    X-Real-IP;

    location /jamhook/ { jamhook_portal; }
    location /open/ { jamhook_portal open; }
    location /denied/ { jamhook_portal; deny all; }
    location /gzip/ {
        jamhook_portal;
        gzip             on;
        gzip_min_length  1;
        gzip_types       application/json application/problem+json text/html;
    }
    location /expires/ { jamhook_portal; expires 1h; }
    location /broken/ {
        jamhook_portal;
        rewrite ^/broken/(.*)$ /elsewhere/$1 break;
    }
    location /page/ { error_page 404 /own; jamhook_portal; }
    location = /own { return 200 "our own"; }
    location = /mirrors { mirror /jamhook/; empty_gif; }
    location = /asks { auth_request /jamhook/; empty_gif; }

    location /if/ {
        jamhook_portal conversation_url=https://inbox.test/;
        if ($arg_x) { set $y 1; }
        if ($arg_open) { return 204; }
    }
    location /except/ {
        jamhook_portal;
        limit_except GET {
            auth_basic            "admins";
            auth_basic_user_file  ../html/users;
        }
    }
});

run_tests();

__DATA__

=== TEST 1: the page, from the loopback address
--- store
--- request
GET /jamhook/
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: text/html; charset=utf-8
Vary: Accept-Encoding
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
--- response_body_like: ^<!DOCTYPE html>







=== TEST 2: HEAD of the page
--- store
--- request
HEAD /jamhook/
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
--- response_body_like: ^$







=== TEST 3: its script is asked for again, and not sent again
--- store
--- request
GET /jamhook/app.js
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-cache
Content-Type: text/javascript; charset=utf-8
--- response_body_like: .







=== TEST 4: the slash is added by nginx
--- store
--- request
GET /jamhook?x=1
--- error_code: 301
--- response_headers_like
Location: http://[^/]+/jamhook/\?x=1
--- response_body_like: Moved







=== TEST 5: 10.0.0.1 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 10.0.0.1
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 6: 172.16.0.1 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 172.16.0.1
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 7: 172.31.255.255 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 172.31.255.255
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 8: 192.168.7.7 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 192.168.7.7
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 9: 169.254.1.1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 169.254.1.1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 10: 127.9.9.9 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 127.9.9.9
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 11: ::1 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: ::1
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 12: fd00::1 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: fd00::1
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 13: fcff::1 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: fcff::1
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 14: fe80::1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: fe80::1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 15: febf::1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: febf::1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 16: ::ffff:10.1.2.3 is let in
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: ::ffff:10.1.2.3
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^\{"version"







=== TEST 17: 192.0.2.7 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 192.0.2.7
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 18: 100.64.0.1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 100.64.0.1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 19: 172.15.255.255 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 172.15.255.255
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 20: 172.32.0.0 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 172.32.0.0
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 21: 11.0.0.1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 11.0.0.1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 22: 192.169.0.1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 192.169.0.1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 23: 169.253.0.1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 169.253.0.1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 24: 126.255.255.255 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 126.255.255.255
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 25: 2001:db8::1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: 2001:db8::1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 26: fec0::1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: fec0::1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 27: :: is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: ::
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 28: ::ffff:192.0.2.7 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: ::ffff:192.0.2.7
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 29: ff02::1 is not
--- store
--- request
GET /jamhook/api/status
--- more_headers
X-Real-IP: ff02::1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 30: it gets no page either
--- store
--- request
GET /jamhook/
--- more_headers
X-Real-IP: 192.0.2.7
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"







=== TEST 31: nor learns what there is
--- store
--- request
GET /jamhook/nothing
--- more_headers
X-Real-IP: 192.0.2.7
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"forbidden"
--- log
portal refused a call: forbidden: only loopback







=== TEST 32: nor acts
--- store
--- request
DELETE /jamhook/api/events/x
--- more_headers
X-Real-IP: 192.0.2.7
X-Jamhook-Request: 1
--- error_code: 403
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"forbidden"







=== TEST 33: "open" lets anybody in
--- store
--- request
GET /open/api/status
--- more_headers
X-Real-IP: 192.0.2.7
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "version"







=== TEST 34: nginx's own rules come first
--- store
--- request
GET /denied/
--- error_code: 403
--- response_body_like: 403 Forbidden







=== TEST 35: a file that is not there is 404
--- store
--- request
GET /jamhook/nothing.html
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 36: a call that is not there is 404
--- store
--- request
GET /jamhook/api/nothing
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 37: no call at all is 404
--- store
--- request
GET /jamhook/api/
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 38: an empty name is 404
--- store
--- request
GET /jamhook/api/events/
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 39: too many parts is 404
--- store
--- request
GET /jamhook/api/events/a/replay/b
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 40: a name where there is none is 404
--- store
--- request
GET /jamhook/api/stats/x
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 41: an action that is not there is 404
--- store
--- request
GET /jamhook/api/events/a/b
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 42: a name with a slash in it is 404
--- store
--- request
GET /jamhook/api/events/a%2Fb
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 43: another letter case is 404
--- store
--- request
GET /jamhook/API/status
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 44: a slash at the end is 404
--- store
--- request
GET /jamhook/api/status/
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/problem+json
--- response_body_like: "code":"not_found"







=== TEST 45: POST of "" is 405
--- store
--- request
POST /jamhook/
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: GET, HEAD
--- response_body_like: "code":"method_not_allowed"







=== TEST 46: PUT of "app.js" is 405
--- store
--- request
PUT /jamhook/app.js
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Allow: GET, HEAD
--- response_body_like: "code":"method_not_allowed"







=== TEST 47: POST of "api/status" is 405
--- store
--- request
POST /jamhook/api/status
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: GET, HEAD
--- response_body_like: "code":"method_not_allowed"







=== TEST 48: DELETE of "api/events" is 405
--- store
--- request
DELETE /jamhook/api/events
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: GET, HEAD
--- response_body_like: "code":"method_not_allowed"







=== TEST 49: POST of "api/events/x" is 405
--- store
--- request
POST /jamhook/api/events/x
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: GET, HEAD, DELETE
--- response_body_like: "code":"method_not_allowed"







=== TEST 50: GET of "api/events/x/replay" is 405
--- store
--- request
GET /jamhook/api/events/x/replay
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: POST
--- response_body_like: "code":"method_not_allowed"







=== TEST 51: HEAD of "api/endpoints/x/pause" is 405
--- store
--- request
HEAD /jamhook/api/endpoints/x/pause
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: POST
--- response_body_like: ^$







=== TEST 52: OPTIONS of "api/endpoints/x/test" is 405
--- store
--- request
OPTIONS /jamhook/api/endpoints/x/test
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: POST
--- response_body_like: "code":"method_not_allowed"







=== TEST 53: PATCH of "api/endpoints/x" is 405
--- store
--- request
PATCH /jamhook/api/endpoints/x
--- more_headers
X-Jamhook-Request: 1
--- error_code: 405
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Allow: GET, HEAD
--- response_body_like: "code":"method_not_allowed"







=== TEST 54: HEAD of a call
--- store
--- request
HEAD /jamhook/api/status
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Type: application/json
--- response_body_like: ^$







=== TEST 55: a GET with a body
--- store
--- request
GET /jamhook/api/endpoints
hello
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "data":







=== TEST 56: a read with a body that is too large for an action
--- store
--- request eval
"GET /jamhook/api/status\n" . 'x' x 200000
--- error_code: 200
--- response_body_like: version







=== TEST 57: gzip of nginx's own takes calls
--- store
--- request
GET /gzip/api/status
--- more_headers
Accept-Encoding: gzip
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Encoding: gzip







=== TEST 58: and a file that is compressed already as it is
--- store
--- request
GET /gzip/app.js
--- more_headers
Accept-Encoding: gzip
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Content-Encoding: gzip







=== TEST 59: a compressed file
--- store
--- request
GET /jamhook/app.js
--- more_headers
Accept-Encoding: gzip
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Content-Encoding: gzip
Vary: Accept-Encoding
Cache-Control: no-cache







=== TEST 60: not for who does not want it
--- store
--- request
GET /jamhook/app.js
--- more_headers
Accept-Encoding: gzip;q=0
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
!Content-Encoding
Vary: Accept-Encoding







=== TEST 61: "expires" does not undo no-store
--- store
--- request
GET /expires/api/status
--- error_code: 200
--- response_body_like: "version"
--- raw_response_headers_like: Cache-Control: no-store







=== TEST 62: a rewrite that leads away
--- store
--- request
GET /broken/api/status
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 63: an error_page does not replace a problem
--- store
--- request
GET /page/api/nothing
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 64: a mirrored request is no call
--- store
--- request
GET /mirrors
--- error_code: 200







=== TEST 65: nor is a subrequest
--- store
--- request
GET /asks
--- error_code: 500
--- log
auth request unexpected status: 404







=== TEST 66: an "if" leaves the portal as it is
--- store
--- request
GET /if/api/status
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: https://inbox.test/







=== TEST 67: its condition holds
--- store
--- request
GET /if/api/status?open=1
--- error_code: 204







=== TEST 68: an "if" that changes nothing of it
--- store
--- request
GET /if/nothing?x=1
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "code":"not_found"







=== TEST 69: limit_except lets agents read
--- store
--- request
GET /except/api/status
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: "version"







=== TEST 70: HEAD too
--- store
--- request
HEAD /except/
--- error_code: 200
--- response_headers
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
Cache-Control: no-store
--- response_body_like: ^$







=== TEST 71: and keeps them from acting
--- store
--- user_files
>>> users
admin:{PLAIN}secret
--- request
POST /except/api/endpoints/x/pause
--- more_headers
X-Jamhook-Request: 1
--- error_code: 401
--- response_body_like: Authorization Required







=== TEST 72: an admin may
--- store
--- user_files
>>> users
admin:{PLAIN}secret
--- request
POST /except/api/endpoints/x/pause
--- more_headers
X-Jamhook-Request: 1
Authorization: Basic YWRtaW46c2VjcmV0
--- error_code: 404
--- response_headers
Cache-Control: no-store
--- response_body_like: no endpoint of this name
