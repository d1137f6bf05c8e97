# What nginx can have around an ingest location.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    jamhook_verify keys/P1.key;

    location = /jam { jamhook_pass audit; }
    location = /gzip {
        jamhook_pass      audit;
        gzip              on;
        gzip_min_length   1;
        gzip_http_version 1.0;
        gzip_types        application/json application/problem+json;
    }
    location = /auth-basic {
        jamhook_pass          audit;
        auth_basic            "jam";
        auth_basic_user_file  ../html/users;
    }
    location = /deny { jamhook_pass audit; deny all; }
    location = /auth-request-yes { jamhook_pass audit; auth_request /auth-yes; }
    location = /auth-request-no { jamhook_pass audit; auth_request /auth-no; }
    location = /auth-request-jam { auth_request /jam; empty_gif; }
    location = /auth-yes { internal; return 204; }
    location = /auth-no { internal; return 403; }
    location = /real {
        jamhook_pass      audit;
        set_real_ip_from  127.0.0.1;
        real_ip_header    X-Forwarded-For;
        allow             192.0.2.7;
        deny              all;
    }
    location = /mirrored {
        jamhook_pass  audit;
        mirror        /mirror;
    }
    location = /mirror {
        internal;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_TARGET_PORT/mirror;
    }
    location = /mirrors {
        mirror      /jam;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_TARGET_PORT/first;
    }
    location /named { try_files /nothing-here @jam; }
    location @jam { jamhook_pass audit; }
    location = /rewrite { rewrite ^ /jam last; }
    location = /error-page { error_page 401 /own-401; jamhook_pass audit; }
    location = /own-401 { internal; return 401 "our own\n"; }
    location = /add-header {
        jamhook_pass  audit;
        add_header    X-Added yes always;
        default_type  text/html;
        types         { }
        charset       utf-8;
    }
    location = /ssi { ssi on; ssi_types *; root html; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

sub body { '{"a":"' . 'x' x ($_[0] - 8) . '"}' }

run_tests();

__DATA__

=== TEST 1: HTTP/2
--- http2
--- event: {"a":1}
--- event_with: id=msg_1
--- answer: 200 delivered
--- response_body_like: "id":"msg_1"
--- target_requests
POST /audit {"a":1}
--- target_signed: S1







=== TEST 2: HTTP/2: a large body
--- http2
--- event eval: main::body(300_000)
--- answer: 200 delivered
--- target_check eval
sub { Test::More::ok($_[0]{body} eq main::body(300_000), 'the body') }







=== TEST 3: HTTP/2: a refusal by the headers
--- http2
--- request
POST /jam
--- more_headers
Content-Type: application/json
--- answer: 401 signature_missing
--- response_headers
WWW-Authenticate: Standard-Webhooks
--- target_count: 0



=== TEST 4: HTTP/2: a signature that does not hold
--- http2
--- event: {"a":1}
--- event_with: key=P2
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 5: HTTP/2: another method
--- http2
--- request
GET /jam
--- answer: 405 method_not_allowed
--- response_headers
Allow: POST







=== TEST 6: HTTP/2: a body in a temporary file
--- http2
--- http_config
    client_body_buffer_size 1k;
--- event eval: main::body(50_000)
--- answer: 200 delivered
--- target_check eval
sub { Test::More::ok($_[0]{body} eq main::body(50_000), 'the body') }







=== TEST 7: gzip compresses an answer
--- event: {}
--- event_with: uri=/gzip "Accept-Encoding: gzip"
--- error_code: 200
--- response_headers
Content-Type: application/json
Content-Encoding: gzip
--- target_count: 1







=== TEST 8: not a refusal
--- event: {}
--- event_with: uri=/gzip "Accept-Encoding: gzip" key=none
--- answer: 401 signature_missing
--- response_headers
!Content-Encoding
WWW-Authenticate: Standard-Webhooks







=== TEST 9: auth_basic is asked first
--- user_files
>>> users
jam:{PLAIN}secret
--- event: {}
--- event_with: uri=/auth-basic
--- error_code: 401
--- response_headers
WWW-Authenticate: Basic realm="jam"
--- target_count: 0







=== TEST 10: and lets an event in, whose target sees no password
--- user_files
>>> users
jam:{PLAIN}secret
--- event: {}
--- event_with: uri=/auth-basic "Authorization: Basic amFtOnNlY3JldA=="
--- answer: 200 delivered
--- target_count: 1
--- target_headers
!authorization







=== TEST 11: behind auth_basic a signature counts as well
--- user_files
>>> users
jam:{PLAIN}secret
--- event: {}
--- event_with: uri=/auth-basic "Authorization: Basic amFtOnNlY3JldA==" key=P2
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 12: deny keeps a signed event out
--- event: {}
--- event_with: uri=/deny
--- error_code: 403
--- target_count: 0







=== TEST 13: auth_request lets an event in
--- event: {"a":1}
--- event_with: uri=/auth-request-yes
--- answer: 200 delivered
--- target_requests
POST /audit {"a":1}







=== TEST 14: and keeps one out
--- event: {"a":1}
--- event_with: uri=/auth-request-no
--- error_code: 403
--- target_count: 0







=== TEST 15: realip tells the access rules who it is
--- event: {}
--- event_with: uri=/real "X-Forwarded-For: 192.0.2.7"
--- answer: 200 delivered
--- target_headers
!x-forwarded-for







=== TEST 16: and who it is not
--- event: {}
--- event_with: uri=/real "X-Forwarded-For: 192.0.2.8"
--- error_code: 403
--- target_count: 0







=== TEST 17: mirror reads the body first, and the event is taken in
--- event: {"a":1}
--- event_with: uri=/mirrored
--- answer: 200 delivered
--- target_count: 2
--- target_requests
POST /audit {"a":1}
POST /mirror {"a":1}







=== TEST 18: mirror reads the body first, and a bad event is refused
--- event: {"a":1}
--- event_with: uri=/mirrored key=P2
--- answer: 401 signature_invalid
--- target_requests
POST /mirror {"a":1}







=== TEST 19: an event that is mirrored to an ingest location is taken in there
--- event: {"a":1}
--- event_with: uri=/mirrors
--- error_code: 200
--- target_count: 2
--- target_requests
POST /first {"a":1}
POST /audit {"a":1}







=== TEST 20: and one that is not signed is not
--- event: {"a":1}
--- event_with: uri=/mirrors key=none
--- error_code: 200
--- target_requests
POST /first {"a":1}
--- log
rejected: signature_missing







=== TEST 21: an ingest location that auth_request asks, which asks with GET, says no
--- event: {}
--- event_with: uri=/auth-request-jam
--- error_code: 500
--- target_count: 0
--- log
auth request unexpected status: 405







=== TEST 22: an ingest location may be a named one
--- event: {"a":1}
--- event_with: uri=/named
--- answer: 200 delivered
--- target_requests
POST /audit {"a":1}







=== TEST 23: or the end of a rewrite
--- event: {"a":1}
--- event_with: uri=/rewrite
--- answer: 200 delivered
--- target_requests
POST /audit {"a":1}







=== TEST 24: error_page does not take a refusal's answer away
--- event: {}
--- event_with: uri=/error-page key=none
--- answer: 401 signature_missing







=== TEST 25: add_header and charset leave the answer as it is
--- event: {}
--- event_with: uri=/add-header key=none
--- error_code: 401
--- response_headers
X-Added: yes
Content-Type: application/problem+json
--- response_body_like: signature_missing







=== TEST 26: an SSI page may not send events
--- user_files
>>> ssi
<!--#include virtual="/jam" -->
--- request
GET /ssi
--- response_body_like: method_not_allowed
--- target_count: 0







=== TEST 27: limit_req answers in nginx's way
--- http_config
    limit_req_zone $server_name zone=one:32k rate=1r/m;
    jamhook_verify keys/P1.key;
--- config
    location = /limit {
        jamhook_pass  audit;
        limit_req     zone=one;
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- raw_request eval
my $e = Jamhook::event(body => '{}', with => 'uri=/limit', headers => [['Connection', 'keep-alive']]);
$e . $e =~ s/keep-alive/close/r
--- pipelined_requests eval: [1, 2]
--- error_code eval: [200, 503]
--- response_body_like eval: ['delivered', '<html>']
--- target_count: 1
--- log
limiting requests
