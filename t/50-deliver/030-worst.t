# The worst of several outcomes is the answer: 503, then 504, then 502.

use lib 't/lib';
use Jamhook;

add_block_preprocessor(sub {
    my ($block) = @_;

    # each path of the target is an endpoint: /a, /b, /c
    $block->set_value('config', <<'END' . ($block->config || ''));
location = /jam { jamhook_pass a b c; jamhook_verify keys/P1.key; }
location = /a {
    jamhook_endpoint a; jamhook_sign off; jamhook_timeout 2s;
    proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/a;
}
location = /b {
    jamhook_endpoint b; jamhook_sign off; jamhook_timeout 2s;
    proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/b;
}
location = /c {
    jamhook_endpoint c; jamhook_sign off; jamhook_timeout 2s;
    proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/c;
}
END
    $block->set_value('event', '{"a":1}');
    $block->set_value('suppress_stderr', 1);
    $block->set_value('target_count', 3) unless defined $block->target_count;
});

run_tests();

__DATA__

=== TEST 1: all succeeded
--- target
/a 200
/b 204
/c 201
--- answer: 200 delivered


=== TEST 2: one failed
--- target
/a 200
/b 500
/c 201
--- answer: 502 delivery_failed
--- response_body_like
\\"b\\".*500


=== TEST 3: one timed out
--- target
/a 200
/b hang
/c 200
--- answer: 504 delivery_failed
--- response_body_like
\\"b\\".*timeout


=== TEST 4: a timeout is worse than a failure
--- target
/a 500
/b hang
/c 500
--- answer: 504 delivery_failed


=== TEST 5: 429 is worse than a failure
--- target
/a 500
/b 200
/c 429 "Retry-After: 9"
--- answer: 503 unavailable
--- response_headers
Retry-After: 9


=== TEST 6: 503 is worse than a timeout that ends after it
--- target
/a hang
/b 503 "Retry-After: 9"
/c 500
--- answer: 503 unavailable
--- response_headers
Retry-After: 9


=== TEST 7: 503 is worse than a failure that came before it
--- target
/a 500
/b 503 delay=500ms
/c 404
--- answer: 503 unavailable
--- response_headers
Retry-After: 5
--- response_body_like
\\"b\\".*503


=== TEST 8: a timeout is worse than a failure that came before it
--- target
/a 500
/b close
/c hang
--- answer: 504 delivery_failed
--- response_body_like
\\"c\\".*timeout


=== TEST 9: a Retry-After of what succeeded counts for nothing
--- target
/a 200 "Retry-After: 99"
/b 500 "Retry-After: 98"
/c 200
--- answer: 502 delivery_failed
--- response_headers
! Retry-After
