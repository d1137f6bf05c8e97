# modes: plain san palloc
#
# jamhook_metrics in nginx.conf, and which locations are counted. 256 of them:
# 030.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

our $LONG = 'n' x 128;

Jamhook::Conf::config('location = /nothing { return 204; }');

run_tests();

__DATA__

=== TEST 1: jamhook_metrics takes no argument
--- config
    location = /metrics {
        jamhook_metrics on;
    }
--- refused
invalid number of arguments in "jamhook_metrics" directive
at jamhook_metrics







=== TEST 2: it stands in a location
--- config
    jamhook_metrics;
--- refused
"jamhook_metrics" directive is not allowed here
at jamhook_metrics







=== TEST 3: it stands there once
--- config
    location = /metrics {
        jamhook_metrics;
        jamhook_metrics; # again
    }
--- refused
"jamhook_metrics" directive is duplicate
at jamhook_metrics; # again







=== TEST 4: not beside jamhook_pass
--- config
    location = /jam {
        jamhook_pass fin;
        jamhook_verify off;
        jamhook_metrics;
    }
    $TEST_NGINX_FIN
--- refused
"jamhook_metrics" and "jamhook_pass" stand in one location: give each a location of its own
at jamhook_metrics







=== TEST 5: nor before it
--- config
    location = /jam {
        jamhook_metrics;
        jamhook_verify off;
        jamhook_pass fin;
    }
    $TEST_NGINX_FIN
--- refused
"jamhook_pass" and "jamhook_metrics" stand in one location: give each a location of its own
at jamhook_pass







=== TEST 6: not beside jamhook_endpoint
--- config
    location = /e {
        jamhook_endpoint e;
        jamhook_metrics;
    }
--- refused
"jamhook_metrics" and "jamhook_endpoint" stand in one location: give each a location of its own
at jamhook_metrics







=== TEST 7: nor in an "if" of its location
--- config
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
        if ($arg_m) { jamhook_metrics; }
    }
--- refused
"jamhook_metrics" and "jamhook_endpoint" stand in one location: give each a location of its own
at if ($arg_m)







=== TEST 8: not beside jamhook_portal
--- config
    location /p/ {
        jamhook_portal;
        jamhook_metrics;
    }
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store;
--- refused
"jamhook_metrics" and "jamhook_portal" stand in one location: give each a location of its own
at jamhook_metrics







=== TEST 9: not after another content handler
--- config
    location = /metrics {
        stub_status;
        jamhook_metrics;
    }
--- refused
"jamhook_metrics" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_metrics







=== TEST 10: nor before one
--- config
    location = /metrics {
        jamhook_metrics;
        proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
    }
--- refused
"jamhook_metrics" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_metrics







=== TEST 11: it needs no store and no endpoint
--- config
    location = /metrics {
        jamhook_metrics;
    }
--- warned







=== TEST 12: a name longer than 128 bytes is not counted, told once
--- config eval
"location = /$main::LONG {
    jamhook_pass fin;
    jamhook_verify off;
    if (\$arg_a) { set \$a 1; }
}
$ENV{TEST_NGINX_FIN}"
--- warned eval
"events of the location \"/$main::LONG\" with \"jamhook_pass\" are not counted: its name is longer than 128 bytes at jamhook_pass"
