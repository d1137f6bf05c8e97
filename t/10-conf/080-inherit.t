# jamhook_verify, jamhook_tolerance and jamhook_timeout through http, server and
# location (jamhook_max_active: 081).

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; }
    location = /own {
        jamhook_pass       audit;
        jamhook_verify     keys/P3.key;
        jamhook_tolerance  1000s;
    }
    location /outer {
        jamhook_verify     keys/P3.key;
        jamhook_tolerance  1000s;
        location = /outer/inner { jamhook_pass audit; }
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

our $server = 'jamhook_verify keys/P2.key; jamhook_tolerance 100s;'
            . 'location = /jam { jamhook_pass audit; }'
            . 'location = /audit { jamhook_endpoint audit; jamhook_sign off; '
            . 'proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT; }';

run_tests();

__DATA__

=== TEST 1: jamhook_verify is inherited from http
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- answer: 200 delivered







=== TEST 2: that of the server wins over it
--- http_config
    jamhook_verify keys/P1.key;
--- config eval: $main::server
--- event: {}
--- answer: 401 signature_invalid







=== TEST 3: and counts
--- http_config
    jamhook_verify keys/P1.key;
--- config eval: $main::server
--- event: {}
--- event_with: key=P2
--- answer: 200 delivered







=== TEST 4: that of the location wins
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- event_with: key=P1 uri=/own
--- answer: 401 signature_invalid







=== TEST 5: and counts there
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- event_with: key=P3 uri=/own
--- answer: 200 delivered







=== TEST 6: that of the outer location counts in an inner one
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- event_with: key=P3 uri=/outer/inner
--- answer: 200 delivered







=== TEST 7: jamhook_tolerance is 5m by default
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- event_with: ts=-290
--- answer: 200 delivered







=== TEST 8: and no more
--- http_config
    jamhook_verify keys/P1.key;
--- event: {}
--- event_with: ts=-310
--- answer: 401 timestamp_invalid







=== TEST 9: jamhook_tolerance is inherited from http
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_tolerance 10m;
--- event: {}
--- event_with: ts=-590
--- answer: 200 delivered







=== TEST 10: and is the limit
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_tolerance 10m;
--- event: {}
--- event_with: ts=-610
--- answer: 401 timestamp_invalid







=== TEST 11: that of the server wins
--- http_config
    jamhook_tolerance 10m;
--- config eval: $main::server
--- event: {}
--- event_with: ts=-110 key=P2
--- answer: 401 timestamp_invalid







=== TEST 12: and is the limit in the server
--- http_config
    jamhook_tolerance 10s;
--- config eval: $main::server
--- event: {}
--- event_with: ts=-90 key=P2
--- answer: 200 delivered







=== TEST 13: that of the location wins over http's
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_tolerance 10s;
--- event: {}
--- event_with: ts=-990 key=P3 uri=/own
--- answer: 200 delivered







=== TEST 14: that of the outer location counts in an inner one
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_tolerance 10s;
--- event: {}
--- event_with: ts=-990 key=P3 uri=/outer/inner
--- answer: 200 delivered







=== TEST 15: jamhook_timeout is inherited from http
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_timeout 100ms;
--- event: {}
--- target: hang
--- answer: 504 delivery_failed







=== TEST 16: that of the server wins
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_timeout 1h;
--- config
    jamhook_timeout 100ms;
    location = /jam { jamhook_pass audit; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- target: hang
--- answer: 504 delivery_failed







=== TEST 17: that of the endpoint's location wins
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_timeout 1h;
--- config
    jamhook_timeout 2h;
    location = /jam { jamhook_pass audit; jamhook_timeout 3h; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        jamhook_timeout   100ms;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- target: hang
--- answer: 504 delivery_failed







=== TEST 18: a longer one in the endpoint's location wins too
--- http_config
    jamhook_verify keys/P1.key;
    jamhook_timeout 50ms;
--- config
    location = /jam { jamhook_pass audit; jamhook_timeout 50ms; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        jamhook_timeout   5s;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- target: delay=300ms
--- answer: 200 delivered
