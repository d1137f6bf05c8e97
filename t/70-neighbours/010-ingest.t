# Other modules around an ingest location.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

# --- ingest: what stands in "location = /jam" besides jamhook_pass
add_block_preprocessor(sub {
    my ($block) = @_;

    my $ingest = $block->ingest;
    return unless defined $ingest;

    $block->set_value('config', ($block->config || '') . <<"END");
location = /jam {
    jamhook_pass e;
    jamhook_verify keys/P1.key;
    $ingest
}
location = /e {
    jamhook_endpoint e;
    jamhook_sign keys/S1.key;
    proxy_pass http://TARGET/a;
}
END
    $block->set_value('event', '{"conversationId":"7"}')
        unless defined $block->event || defined $block->request;
});

run_tests();

__DATA__

=== TEST 1: auth_basic lets in who knows the password
--- ingest
auth_basic private;
auth_basic_user_file users;
--- user_files
>>> ../conf/users
jam:{PLAIN}secret
--- event_with: "Authorization: Basic amFtOnNlY3JldA=="
--- answer: 200 delivered
--- target_headers
!authorization


=== TEST 2: auth_basic keeps others out
--- ingest
auth_basic private;
auth_basic_user_file users;
--- user_files
>>> ../conf/users
jam:{PLAIN}secret
--- answer: 401
--- response_headers
WWW-Authenticate: Basic realm="private"
--- target_count: 0


=== TEST 3: deny
--- ingest
deny all;
--- answer: 403
--- target_count: 0


=== TEST 4: auth_request that says yes
--- ingest
auth_request /ask;
--- config
location = /ask { return 204; }
--- answer: 200 delivered
--- target_count: 1


=== TEST 5: auth_request that says no
--- ingest
auth_request /ask;
--- config
location = /ask { return 403; }
--- answer: 403
--- target_count: 0


=== TEST 6: auth_request by a proxied request
--- ingest
auth_request /ask;
--- config
location = /ask {
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_pass http://TARGET/ask;
}
--- answer: 200 delivered
--- target_like
^POST /a$
^GET /ask$
--- target_count: 2


=== TEST 7: limit_req that delays
--- http_config
limit_req_zone all zone=z:1m rate=10r/s;
--- ingest
limit_req zone=z burst=5;
--- config
location = /twice { mirror /jam; limit_req zone=z burst=5; jamhook_pass e; jamhook_verify keys/P1.key; }
--- event_with: uri=/twice
--- answer: 200 delivered
--- target_count: 2


=== TEST 8: limit_conn
--- http_config
limit_conn_zone all zone=z:1m;
--- ingest
limit_conn z 1;
--- answer: 200 delivered


=== TEST 9: a mirror gets the event as well
--- ingest
mirror /copy;
--- config
location = /copy { internal; proxy_pass http://TARGET/copy; }
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /copy {"conversationId":"7"}
POST /a {"conversationId":"7"}


=== TEST 10: a mirror of another location brings the event here
--- ingest
--- config
location = /other {
    mirror /jam;
    proxy_pass http://TARGET/other;
}
--- event_with: uri=/other
--- error_code: 200
--- target_requests
POST /other {"conversationId":"7"}
POST /a {"conversationId":"7"}


=== TEST 11: gzip of the answer
--- ingest
gzip on;
gzip_min_length 0;
gzip_types *;
gzip_proxied any;
--- event_with: "Accept-Encoding: gzip"
--- answer: 200
--- response_headers
Content-Encoding: gzip
--- target_count: 1


=== TEST 12: filters of the body leave a JSON answer alone
--- ingest
ssi on;
charset utf-8;
add_after_body /after;
sub_filter delivered changed;
--- config
location = /after { return 200 after; }
--- answer: 200 delivered
--- response_body_unlike
after|changed


=== TEST 13: sub_filter where the operator asks for it
--- ingest
sub_filter delivered done;
sub_filter_types application/json;
--- answer: 200 done


=== TEST 14: add_header
--- ingest
add_header X-A $jamhook_result always;
--- answer: 200 delivered
--- response_headers
X-A: delivered


=== TEST 15: add_header on a failure
--- ingest
add_header X-A $jamhook_result always;
--- event_with: key=P2
--- answer: 401 signature_invalid
--- response_headers
X-A: signature_invalid
WWW-Authenticate: Standard-Webhooks


=== TEST 16: an error page for a refused event
--- ingest
error_page 401 /page;
--- config
location = /page { return 200 page; }
--- event_with: key=P2
--- answer: 401 signature_invalid


=== TEST 17: an event inside "if"
--- ingest
if ($arg_x) { set $y 1; }
--- event_with: uri=/jam?x=1
--- answer: 200 delivered
--- target_count: 1


=== TEST 18: jamhook_pass of an "if"
--- ingest
if ($arg_x) { jamhook_pass e2; }
--- config
location = /e2 {
    jamhook_endpoint e2;
    jamhook_sign off;
    proxy_pass http://TARGET/e2;
}
--- event_with: uri=/jam?x=1
--- answer: 200 delivered
--- target_requests
POST /e2 {"conversationId":"7"}


=== TEST 19: an "if" that does not apply
--- ingest
if ($arg_x) { jamhook_pass e2; }
--- config
location = /e2 {
    jamhook_endpoint e2;
    jamhook_sign off;
    proxy_pass http://TARGET/e2;
}
--- answer: 200 delivered
--- target_requests
POST /a {"conversationId":"7"}


=== TEST 20: an "if" that returns
--- ingest
if ($arg_x) { return 204; }
--- event_with: uri=/jam?x=1
--- error_code: 204
--- target_count: 0


=== TEST 21: limit_except inside which it goes on
--- ingest
limit_except GET { allow all; }
--- answer: 200 delivered
--- target_count: 1


=== TEST 22: limit_except that denies
--- ingest
limit_except POST { deny all; }
--- event_with: method=PUT
--- answer: 403
--- target_count: 0


=== TEST 23: limit_except POST lets an event in
--- ingest
limit_except POST { deny all; }
--- answer: 200 delivered
--- target_count: 1


=== TEST 24: client_max_body_size
--- ingest
client_max_body_size 10;
--- answer: 413
--- target_count: 0


=== TEST 25: satisfy any
--- ingest
satisfy any;
allow 127.0.0.1;
auth_basic private;
auth_basic_user_file /no/such/file;
--- answer: 200 delivered


=== TEST 26: a regular expression as the ingest location
--- ingest
--- config
location ~ ^/hooks/(?<who>[a-z]+)$ {
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event_with: uri=/hooks/jam
--- answer: 200 delivered
--- target_count: 1


=== TEST 27: a named location as the ingest location
--- ingest
--- config
location /hooks { try_files /no/such/file @jam; }
location @jam {
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event_with: uri=/hooks
--- answer: 200 delivered
--- target_count: 1


=== TEST 28: limit_rate of the answer
--- ingest
limit_rate 10k;
--- answer: 200 delivered


=== TEST 29: client_body_in_file_only keeps its file
--- ingest
client_body_in_file_only on;
--- answer: 200 delivered
--- target_requests
POST /a {"conversationId":"7"}


=== TEST 30: an ingest location behind this nginx's own proxy
--- ingest
--- config
location = /front {
    proxy_pass http://HERE/jam;
}
--- event_with: uri=/front
--- answer: 200 delivered
--- target_signed: S1


=== TEST 31: an ingest location behind a proxy that does not buffer
--- ingest
--- config
location = /front {
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_pass http://HERE/jam;
}
--- event_with: uri=/front chunked=5
--- answer: 200 delivered
--- target_signed: S1


=== TEST 32: SSI does not make an event of a page's include
--- ingest
--- config
location = /page.html { ssi on; root html; }
--- user_files
>>> page.html
before <!--#include virtual="/jam" --> after
--- request
GET /page.html
--- error_code: 200
--- response_body_like: method_not_allowed
--- target_count: 0


=== TEST 33: realip changes the client's address
--- http_config
log_format who '$remote_addr $jamhook_result';
--- ingest
set_real_ip_from 127.0.0.1;
real_ip_header X-Forwarded-For;
allow 192.0.2.7;
deny all;
--- event_with: "X-Forwarded-For: 192.0.2.7"
--- answer: 200 delivered
--- target_headers
!x-forwarded-for


=== TEST 34: realip and an address that is not allowed
--- ingest
set_real_ip_from 127.0.0.1;
real_ip_header X-Forwarded-For;
allow 192.0.2.7;
deny all;
--- event_with: "X-Forwarded-For: 192.0.2.8"
--- answer: 403
--- target_count: 0
