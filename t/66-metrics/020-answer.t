# modes: plain hup palloc
#
# What a location with jamhook_metrics answers.

use lib 't/lib', 't/66-metrics';
use Jamhook;
use Metrics;

# for blocks that have none
add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(config => q{
    location = /metrics {
        jamhook_metrics;

        if ($arg_set) { set $x 1; }
        if ($arg_return) { return 403; }
    }
    location = /in-if {
        if ($arg_m) { jamhook_metrics; }
        return 204;
    }
    location = /only-if {
        if ($arg_m) { jamhook_metrics; }
    }
    location = /beside {
        jamhook_pass e;
        jamhook_verify off;
        if ($arg_m) { jamhook_metrics; }
    }
    location = /except-all {
        jamhook_metrics;
        limit_except POST { allow 127.0.0.1; deny all; }
    }
    location = /except-deny {
        jamhook_metrics;
        limit_except GET { deny all; }
    }
    location = /include { ssi on; ssi_types text/plain; return 200
        'before<!--#include virtual="/metrics" -->after'; }
    location = /error {
        error_page 404 = /metrics;
        return 404;
    }
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
}) unless defined $block->config;
});

run_tests();

__DATA__

=== TEST 1: GET is answered in Prometheus' text format, not to be kept
--- request
GET /metrics
--- response_headers
Content-Type: text/plain; version=0.0.4; charset=utf-8
Cache-Control: no-store
--- response_body_like chomp
\A# HELP jamhook_build_info [^\n]+
# TYPE jamhook_build_info gauge
jamhook_build_info\{version="\d+\.\d+\.\d+"\} 1
(?:[^\n]+\n)*\z







=== TEST 2: HEAD has the same length and no body
--- request
HEAD /metrics
--- response_headers_like
Content-Type: text/plain; version=0\.0\.4; charset=utf-8
Content-Length: [1-9]\d{3,}
--- response_body:







=== TEST 3: another method is refused
--- request
POST /metrics
a=1
--- error_code: 405
--- response_headers
Allow: GET, HEAD







=== TEST 4: so is DELETE, with a connection that goes on
--- request eval
["DELETE /metrics", "GET /metrics"]
--- error_code eval
[405, 200]







=== TEST 5: a body of GET is thrown away
--- request
GET /metrics
abc
--- response_body_like: jamhook_build_info







=== TEST 6: an "if" that changes nothing of ours leaves it as it is
--- request
GET /metrics?set=1
--- response_body_like: jamhook_build_info







=== TEST 7: "return" in an "if" comes first
--- request
GET /metrics?return=1
--- error_code: 403







=== TEST 8: in an "if", where it holds
--- request
GET /only-if?m=1
--- response_body_like: jamhook_build_info







=== TEST 9: and where it does not
--- request
GET /only-if
--- error_code: 404







=== TEST 10: in an "if" beside jamhook_pass
--- request
GET /beside?m=1
--- response_body_like: jamhook_build_info







=== TEST 11: which takes events in without it
--- request
GET /beside
--- error_code: 405
--- response_headers
Allow: POST







=== TEST 12: a "limit_except" keeps it
--- request
GET /except-all
--- response_body_like: jamhook_build_info







=== TEST 13: and can deny what it does not except
--- request
POST /except-deny
--- error_code: 403







=== TEST 14: GET is let through there
--- request
GET /except-deny
--- response_body_like: jamhook_build_info







=== TEST 15: as a part of a page
--- request
GET /include
--- response_body_like chomp
\Abefore# HELP jamhook_build_info [\s\S]+\nafter\z







=== TEST 16: after an internal redirect
--- request
GET /error
--- response_body_like: jamhook_build_info







=== TEST 17: as a part of a page, with a store
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store;
--- request
GET /include
--- response_body_like chomp
\Abefore# HELP jamhook_build_info [\s\S]+\njamhook_store_up [01]\n[\s\S]+\nafter\z







=== TEST 18: with a store, after an internal redirect and with HEAD
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store;
--- request eval
["GET /error", "HEAD /metrics", "GET /metrics"]
--- response_body_like eval
["jamhook_store_up", "\\A\\z", "jamhook_store_up"]
