# $jamhook_result and $jamhook_key in an endpoint's location: the attempt's
# result, and the key that verified the event.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    access_log      off;
    jamhook_verify  keys/P1.key;
    location = /jam { jamhook_pass audit; }
    location = /off { jamhook_pass audit; jamhook_verify off; }
    location = /audit {
        access_log        logs/access.log jam;
        log_subrequest    on;
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        jamhook_timeout   2s;
        proxy_set_header  X-Key $jamhook_key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

add_block_preprocessor(sub {
    $_[0]->set_value('http_config', q{
        log_format jam 'endpoint=$jamhook_endpoint result=$jamhook_result '
                       'key=$jamhook_key';
    });
});

run_tests();

__DATA__

=== TEST 1: succeeded
--- event: {}
--- answer: 200 delivered
--- access
endpoint=audit result=succeeded







=== TEST 2: failed
--- event: {}
--- target: 500
--- answer: 502 delivery_failed
--- access
endpoint=audit result=failed







=== TEST 3: failed by a time-out
--- event: {}
--- target: hang
--- answer: 504 delivery_failed
--- access
endpoint=audit result=failed







=== TEST 4: the key that verified
--- event: {}
--- answer: 200 delivered
--- access eval: 'key=' . Jamhook::Conf::fingerprint('P1')
--- target_headers eval: 'x-key: ' . Jamhook::Conf::fingerprint('P1')







=== TEST 5: no key where nobody verifies
--- event: {}
--- event_with: uri=/off key=none
--- answer: 200 delivered
--- access
endpoint=audit
--- no_access
~ key=[0-9a-f]
--- target_headers
!x-key
