# What a server says to its clients does not stand before a delivery into one
# of its locations.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    # --- server: directives of the server that the endpoint stands in
    my $server = $block->server or return;

    $block->set_value('http_config', ($block->http_config || '') . qq{
server {
    listen 127.0.0.1:\$TEST_NGINX_RAND_PORT_1;
    $server

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://TARGET/a;
    }
}
});

    $block->set_value('config', ($block->config || '')
        . 'location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }'
        . 'location = /twice { mirror /jam; jamhook_pass e;'
        . ' jamhook_verify keys/P1.key; }');
    $block->set_value('event', '{"a":1}') unless defined $block->event;
    $block->set_value('answer', '200 delivered');
    $block->set_value('target_count', 1) unless defined $block->target_count;
});

run_tests();

__DATA__

=== TEST 1: return
--- server
return 403;


=== TEST 2: return with a text
--- server
return 200 fine;


=== TEST 3: rewrite
--- server
rewrite ^ /elsewhere last;


=== TEST 4: a redirect
--- server
rewrite ^(.*)$ https://elsewhere$1 permanent;


=== TEST 5: if
--- server
if ($uri) { return 403; }


=== TEST 6: a location with a regular expression that matches
--- server
location ~ .* { return 418; }


=== TEST 7: a location that matches longer
--- server
location ^~ /e { return 418; }


=== TEST 8: deny
--- server
deny all;


=== TEST 9: auth_basic
--- server
auth_basic private;
auth_basic_user_file /no/such/file;


=== TEST 10: auth_request
--- server
auth_request /no;
location = /no { return 403; }


=== TEST 11: satisfy any
--- server
satisfy any;
deny all;
auth_basic private;
auth_basic_user_file /no/such/file;


=== TEST 12: a small client_max_body_size
--- server
client_max_body_size 10;
--- event eval
'{"a":"' . ('x' x 100000) . '"}'


=== TEST 13: limit_req
--- http_config
limit_req_zone all zone=z:1m rate=1r/m;
--- server
limit_req zone=z;
--- event_with: uri=/twice
--- target_count: 2


=== TEST 14: limit_req that would delay
--- http_config
limit_req_zone all zone=z:1m rate=1r/m;
--- server
limit_req zone=z burst=100;
--- event_with: uri=/twice
--- target_count: 2


=== TEST 15: limit_conn
--- http_config
limit_conn_zone all zone=c:1m;
--- server
limit_conn c 1;
--- event_with: uri=/twice
--- target
200 delay=200ms
--- target_count: 2


=== TEST 16: limit_rate
--- server
limit_rate 1;


=== TEST 17: error_page
--- server
error_page 404 403 500 502 503 504 =200 /page;
location = /page { return 200 page; }


=== TEST 18: a server that is for TLS alone
--- server
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2 ssl;
ssl_certificate $TEST_NGINX_CRT;
ssl_certificate_key $TEST_NGINX_CRT_KEY;
ssl_verify_client on;
ssl_client_certificate $TEST_NGINX_CRT;


=== TEST 19: a server with realip
--- server
set_real_ip_from 127.0.0.0/8;
set_real_ip_from unix:;
real_ip_header X-Forwarded-For;
real_ip_recursive on;


=== TEST 20: a server with a small large_client_header_buffers
--- server
client_header_buffer_size 512;
large_client_header_buffers 1 512;


=== TEST 21: a server with short timeouts for its clients
--- server
client_body_timeout 1ms;
client_header_timeout 1ms;
send_timeout 1ms;
keepalive_timeout 0;
reset_timedout_connection on;


=== TEST 22: valid_referers
--- server
valid_referers none server_names;
if ($invalid_referer) { return 403; }


=== TEST 23: gzip, sub_filter, ssi, charset and addition
--- http_config
charset_map koi8-r utf-8 { C0 D18E; }
--- server
gzip on;
gzip_types *;
sub_filter ok ko;
sub_filter_types *;
ssi on;
ssi_types *;
charset utf-8;
source_charset koi8-r;
override_charset on;
charset_types *;
add_before_body /page;
add_after_body /page;
addition_types *;
location = /page { return 200 page; }


=== TEST 24: slice and what else belongs to answers
--- server
slice 1k;
chunked_transfer_encoding off;
etag on;
expires 1h;
add_header X-A b always;
max_ranges 1;


=== TEST 25: an internal redirect for all that is not found
--- server
error_page 404 = @app;
location @app { return 200 app; }


=== TEST 26: merge_slashes, absolute_redirect and server_name_in_redirect
--- server
merge_slashes off;
absolute_redirect off;
server_name_in_redirect on;
server_name ~^(?<sub>.+)\.example\.com$;


=== TEST 27: a server with an access log of its own
--- server
log_subrequest on;
access_log logs/endpoint.log;
