# Directives in the endpoint's location: what they do to a delivery, and what
# they do not.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('answer', '200 delivered')
        unless defined $block->answer;
    $block->set_value('target_count', 1)
        unless defined $block->target_count;
});

run_tests();

__DATA__

=== TEST 1: mirror
--- endpoint
mirror /copy;
proxy_pass http://TARGET/a;
--- config
location = /copy { proxy_pass http://TARGET/copy; }


=== TEST 2: SSI commands in an answer are not followed
--- endpoint
ssi on;
ssi_types *;
proxy_pass http://TARGET/a;
--- config
location = /inside { proxy_pass http://TARGET/inside; }
--- target
/a 200 "body=<!--#include virtual=\"/inside\" -->"


=== TEST 3: add_before_body and add_after_body
--- endpoint
add_before_body /copy;
add_after_body /copy;
addition_types *;
proxy_pass http://TARGET/a;
--- config
location = /copy { proxy_pass http://TARGET/copy; }


=== TEST 4: post_action
--- endpoint
post_action /copy;
proxy_pass http://TARGET/a;
--- config
location = /copy { proxy_pass http://TARGET/copy; }


=== TEST 5: post_action after a failure
--- endpoint
post_action /copy;
proxy_pass http://TARGET/a;
--- config
location = /copy { proxy_pass http://TARGET/copy; }
--- target
500
--- answer: 502 delivery_failed


=== TEST 6: lingering_close always
--- endpoint
lingering_close always;
lingering_time 30s;
lingering_timeout 30s;
proxy_pass http://TARGET/a;


=== TEST 7: lingering_close always and a timeout
--- endpoint
jamhook_timeout 300ms;
lingering_close always;
proxy_pass http://TARGET/a;
--- target
hang
--- answer: 504 delivery_failed


=== TEST 8: client_body_in_file_only
--- endpoint
client_body_in_file_only on;
client_body_in_single_buffer on;
proxy_pass http://TARGET/a;
--- target_requests eval
"POST /a $Jamhook::Relay::EVENT"


=== TEST 9: proxy_request_buffering off
--- endpoint
proxy_request_buffering off;
proxy_http_version 1.1;
proxy_pass http://TARGET/a;
--- target_requests eval
"POST /a $Jamhook::Relay::EVENT"
--- target_headers
content-length: 226
!transfer-encoding


=== TEST 10: proxy_buffering and proxy_request_buffering off
--- endpoint
proxy_buffering off;
proxy_request_buffering off;
proxy_pass http://TARGET/a;
--- target
200 bytes=1M


=== TEST 11: proxy_ignore_client_abort
--- endpoint
proxy_ignore_client_abort on;
proxy_pass http://TARGET/a;


=== TEST 12: proxy_store keeps nothing
--- endpoint
proxy_store $document_root/stored;
proxy_pass http://TARGET/a;
--- target_check
ok(!-e "$ENV{TEST_NGINX_SERVROOT}/html/stored", 'no file');


=== TEST 13: proxy_cache_lock and revalidation
--- http_config
proxy_cache_path cache keys_zone=c:1m;
--- endpoint
proxy_cache c;
proxy_cache_methods POST;
proxy_cache_valid any 1h;
proxy_cache_key same;
proxy_cache_lock on;
proxy_cache_background_update on;
proxy_cache_use_stale error timeout updating;
proxy_cache_revalidate on;
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event_with: uri=/twice
--- target
200 delay=100ms
--- target_count: 2


=== TEST 14: proxy_method is the operator's
--- endpoint
proxy_method PUT;
proxy_pass http://TARGET/a;
--- target_requests eval
"PUT /a $Jamhook::Relay::EVENT"


=== TEST 15: proxy_set_body is the operator's
--- endpoint
proxy_set_body "{\"id\":\"$jamhook_id\"}";
proxy_pass http://TARGET/a;
--- event_with: id=msg_16
--- target_requests
POST /a {"id":"msg_16"}


=== TEST 16: limit_except that denies
--- endpoint
limit_except GET { deny all; }
proxy_pass http://TARGET/a;


=== TEST 17: deny, auth_basic and auth_request
--- endpoint
deny all;
auth_basic private;
auth_basic_user_file /no/such/file;
auth_request /no;
proxy_pass http://TARGET/a;
--- config
location = /no { return 403; }


=== TEST 18: limit_req with a delay
--- http_config
limit_req_zone all zone=z:1m rate=1r/m;
--- endpoint
limit_req zone=z burst=5;
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event_with: uri=/twice
--- target_count: 2


=== TEST 19: limit_conn
--- http_config
limit_conn_zone all zone=c:1m;
--- endpoint
limit_conn c 1;
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- target
200 delay=200ms
--- event_with: uri=/twice
--- target_count: 2


=== TEST 20: a small client_max_body_size
--- endpoint
client_max_body_size 1;
proxy_pass http://TARGET/a;


=== TEST 21: internal, which it is anyway
--- endpoint
internal;
proxy_pass http://TARGET/a;


=== TEST 22: an "if" that sets a variable
--- endpoint
set $which a;
if ($jamhook_type = intercom.recorder.recorded) { set $which b; }
proxy_set_header X-Which $which;
proxy_pass http://TARGET/a;
--- target_headers
x-which: b


=== TEST 23: an "if" with a proxy_pass of its own
--- endpoint
if ($request_method = POST) { proxy_pass http://TARGET; }
proxy_pass http://REFUSED;
--- target_requests eval
"POST /e $Jamhook::Relay::EVENT"


=== TEST 24: an "if" without one
--- endpoint
if ($request_method = POST) { limit_rate 1m; }
proxy_pass http://TARGET/a;
--- target_like
^POST /a


=== TEST 25: a limit_except with a proxy_pass of its own
--- endpoint
limit_except GET { proxy_pass http://TARGET; }
proxy_pass http://REFUSED;
--- target_requests eval
"POST /e $Jamhook::Relay::EVENT"


=== TEST 26: proxy_bind
--- endpoint
proxy_bind 127.0.0.1;
proxy_socket_keepalive on;
proxy_pass http://TARGET/a;


=== TEST 27: proxy_bind to the client's address, of which there is none
--- endpoint
proxy_bind $remote_addr;
proxy_pass http://TARGET/a;


=== TEST 28: proxy_cookie and proxy_redirect
--- endpoint
proxy_pass http://TARGET/a;
proxy_redirect / /b/;
proxy_cookie_domain a b;
proxy_cookie_path / /b/;
proxy_cookie_flags one httponly;
--- target
200 "Set-Cookie: a=b; path=/; domain=a" "Location: /x" "Refresh: 1; url=/x"


=== TEST 29: add_header, add_trailer and expires
--- endpoint
add_header X-A $upstream_status always;
add_trailer X-B c always;
expires 1h;
proxy_pass http://TARGET/a;


=== TEST 30: proxy_force_ranges and slice
--- endpoint
slice 1k;
proxy_set_header Range $slice_range;
proxy_force_ranges on;
proxy_pass http://TARGET/a;
--- target
200 bytes=100k


=== TEST 31: output buffers and postpone_output
--- endpoint
output_buffers 1 1k;
postpone_output 10000;
subrequest_output_buffer_size 16;
sendfile on;
aio threads;
proxy_pass http://TARGET/a;
--- target
200 bytes=100k
